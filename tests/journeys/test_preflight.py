"""scripts/preflight names the mistakes that deployments are made with most, each with its mend."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "preflight"
CHECKS = [
    "approval", "region", "endpoint", "origins", "key", "roles", "providers", "deleted", "quota",
    "schedule",
]  # fmt: skip

type Answers = dict[str, Any]

ACCOUNT = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/face-1"
# Answers what the table has for its command, and fails as the CLI does where that is an error.
AZ = """#!{python}
import json, os, sys
words = []
for word in sys.argv[1:]:
    if word.startswith("-"):
        break
    words.append(word)
with open(os.environ["AZ_CALLS"], "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
with open(os.environ["AZ_ANSWERS"]) as answers:
    answer = json.load(answers)[" ".join(words)]
if isinstance(answer, str):
    sys.exit(answer)
print(json.dumps(answer))
"""


def face_says(code: str) -> str:
    return f'ERROR: Not Found({{"error":{{"code":"{code}","message":"..."}}}})'


def settings(**changed: str) -> list[dict[str, str]]:
    values = {
        "FACE_AUTH": "key",
        "FACE_ENDPOINT": "https://face-1.cognitiveservices.azure.com",
        "KEY_VAULT_URL": "https://kv-1.vault.azure.net/",
        "FACE_KEY_SECRET_NAME": "face-api-key",
        "SWEEP_SCHEDULE": "0 * * * * *",
    }
    return [{"name": name, "value": value} for name, value in (values | changed).items()]


def names_in(name: str) -> list[str]:
    """Read a set of names out of the script."""
    (block,) = re.findall(rf"(?ms)^{name} = \{{\n(.*?)\}}", SCRIPT.read_text(encoding="utf-8"))
    return re.findall(r'"([^"]+)"', block)


AFTER: Answers = {
    "group exists": True,
    "group show": {"location": "swedencentral"},
    "functionapp list": [{"name": "func-1"}],
    "functionapp config appsettings list": settings(),
    "functionapp cors show": {"allowedOrigins": ["https://app.example.com"]},
    "functionapp function list": [{"name": "func-1/sweep_stale_sessions"}],
    "functionapp list-flexconsumption-locations": [{"name": "swedencentral"}],
    "cognitiveservices account list-skus": [{"name": "S0"}],
    "cognitiveservices account list": [
        {
            "id": ACCOUNT,
            "name": "face-1",
            "kind": "Face",
            "sku": {"name": "F0"},
            "properties": {"endpoint": "https://face-1.cognitiveservices.azure.com/"},
        }
    ],
    "cognitiveservices account list-deleted": [],
    "cognitiveservices usage list": [
        {"name": {"value": "AccountCount"}, "currentValue": 1, "limit": 100}
    ],
    "resource show": {"tags": {"faceKey": "key1", "faceAccountId": ACCOUNT}},
    "identity list": [{"principalId": "11111111-1111-1111-1111-111111111111"}],
    "role assignment list": [{"roleDefinitionName": role} for role in names_in("ROLES")],
    "provider list": [
        {"namespace": name, "registrationState": "Registered"} for name in names_in("PROVIDERS")
    ],
    "keyvault list-deleted": [],
    "rest": face_says("SessionNotFound"),
}
BEFORE = AFTER | {"functionapp list": []}


def run(
    folder: Path, answers: Answers, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    stub = folder / "az"
    stub.write_text(AZ.replace("{python}", sys.executable))
    stub.chmod(0o700)
    (folder / "answers.json").write_text(json.dumps(answers))
    given = {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "AZ_ANSWERS": str(folder / "answers.json"),
        "AZ_CALLS": str(folder / "calls"),
        **environment,
    }
    return subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(SCRIPT), *(arguments or ("rg",))],
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_deployment_that_is_right_passes_every_check(tmp_path: Path) -> None:
    for answers in (AFTER, BEFORE, {**BEFORE, "group exists": False}):
        done = run(tmp_path, answers)

        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        assert [line.split() for line in done.stdout.splitlines()] == [
            ["ok", one] for one in CHECKS
        ]


@pytest.mark.parametrize(
    ("check", "answers", "environment", "mend"),
    [
        pytest.param(
            "approval", AFTER | {"rest": face_says("UnsupportedFeature")}, {}, "Limited Access",
            id="approval missing",
        ),
        pytest.param(
            "region", BEFORE | {"functionapp list-flexconsumption-locations": []}, {},
            "list-flexconsumption-locations", id="region without Flex Consumption",
        ),
        pytest.param(
            "region", BEFORE | {"cognitiveservices account list-skus": []},
            {"FACE_LOCATION": "northpole"}, "FACE_LOCATION", id="region without Face",
        ),
        pytest.param(
            "region", AFTER | {"rest": face_says("ResourceNotFound")}, {}, "FACE_LOCATION",
            id="region without liveness",
        ),
        pytest.param(
            "endpoint", AFTER |
            {
                "functionapp config appsettings list": settings(
                    FACE_AUTH="entra",
                    FACE_ENDPOINT="https://swedencentral.api.cognitive.microsoft.com",
                ),
                "role assignment list": [
                    *AFTER["role assignment list"],
                    {"roleDefinitionName": "Cognitive Services Face Recognizer"},
                ],
            },
            {}, "--custom-domain", id="regional endpoint with Entra",
        ),
        pytest.param(
            "origins", BEFORE, {"ALLOWED_ORIGINS": "https://app.example.com/login"},
            "scheme and host only", id="origin with a path, before",
        ),
        pytest.param(
            "origins", AFTER | {"functionapp cors show": {"allowedOrigins": ["*"]}}, {},
            "scheme and host only", id="any origin, after",
        ),
        pytest.param(
            "key", AFTER | {"resource show": {"tags": {"faceAccountId": ACCOUNT + "2"}}}, {},
            "--template-file infra/face-key.bicep --parameters faceAccountName=face-1 ",
            id="key of another account",
        ),
        pytest.param(
            "roles", AFTER | {"role assignment list": AFTER["role assignment list"][1:]}, {},
            "deploy infra/ again", id="role missing",
        ),
        pytest.param(
            "roles", AFTER |
            {
                "functionapp config appsettings list": settings(
                    FACE_AUTH="entra", SESSION_IMAGE="allow"
                ),
                "role assignment list": [
                    *AFTER["role assignment list"],
                    {"roleDefinitionName": "Cognitive Services Face Recognizer"},
                ],
            },
            {}, "deploy infra/ again", id="role for pictures missing",
        ),
        pytest.param(
            "roles", AFTER |
            {"functionapp config appsettings list":
                settings(EVENTS_TOPIC_ENDPOINT="https://topic.example/api/events")},
            {}, "deploy infra/ again", id="role at the topic missing",
        ),
        pytest.param(
            "providers", BEFORE | {"provider list": AFTER["provider list"][1:]}, {},
            "az provider register --namespace Microsoft.", id="provider not registered",
        ),
        pytest.param(
            "deleted", BEFORE |
            {"keyvault list-deleted": [
                {"name": "kv-1", "properties": {"vaultId": "/subscriptions/1/resourceGroups/RG/x"}}
            ]},
            {}, "az keyvault purge --name kv-1", id="deleted vault",
        ),
        pytest.param(
            "deleted", BEFORE |
            {"cognitiveservices account list-deleted": [
                {"name": "face-1", "location": "swedencentral", "id": ACCOUNT}
            ]},
            {}, "az cognitiveservices account purge --name face-1 --resource-group rg"
            " --location swedencentral", id="deleted account",
        ),
        pytest.param(
            "quota", BEFORE, {"FACE_SKU": "F0"}, "FACE_SKU=S0", id="second free account"
        ),
        pytest.param(
            "quota", BEFORE |
            {"cognitiveservices usage list": [
                {"name": {"value": "AccountCount"}, "currentValue": 100, "limit": 100}
            ]},
            {}, "ask for more", id="no room for an account",
        ),
        pytest.param(
            "schedule", AFTER |
            {"functionapp config appsettings list": settings(SWEEP_SCHEDULE="* * * * *")}, {},
            "0 * * * * *", id="schedule of five fields",
        ),
        pytest.param(
            "schedule", AFTER | {"functionapp function list": []}, {}, "restart",
            id="sweep that the host does not know",
        ),
    ],
)  # fmt: skip
def test_a_common_mistake_is_named_with_its_mend(
    tmp_path: Path,
    check: str,
    answers: Answers,
    environment: dict[str, str],
    mend: str,
) -> None:
    done = run(tmp_path, answers, **environment)

    wrong = re.findall(r"(?m)^WRONG  (\w+): .+\n       mend: (.+)$", done.stdout)
    assert done.returncode == 1
    assert [name for name, _ in wrong] == [check]
    assert mend in wrong[0][1]


@pytest.mark.parametrize(
    "endpoint",
    [
        *("https://face.evil.example", "http://face-1.cognitiveservices.azure.com"),
        *("https://evil.example/x.cognitiveservices.azure.com", "https://x.cloudapp.azure.com"),
        "https://me@face-1.cognitiveservices.azure.com",
    ],
)
def test_a_setting_sends_the_token_of_whoever_looks_to_nobody(
    tmp_path: Path, endpoint: str
) -> None:
    answers = AFTER | {"functionapp config appsettings list": settings(FACE_ENDPOINT=endpoint)}

    done = run(tmp_path, answers)

    assert "?      approval: FACE_ENDPOINT is no address of Azure AI Face" in done.stdout
    assert "rest " not in (tmp_path / "calls").read_text()


@pytest.mark.parametrize("name", ["@/etc/passwd", "--debug", "a b"])
def test_a_setting_has_the_cli_read_no_file(tmp_path: Path, name: str) -> None:
    answers = AFTER | {"functionapp config appsettings list": settings(FACE_KEY_SECRET_NAME=name)}

    done = run(tmp_path, answers)

    assert "?      key: FACE_KEY_SECRET_NAME is no name of a secret" in done.stdout
    assert "resource show" not in (tmp_path / "calls").read_text()


def test_no_value_writes_a_line_of_its_own_or_moves_a_cursor(tmp_path: Path) -> None:
    origins = "https://app.example.com/\nok     approval,https://x/\x1b[2K"

    done = run(tmp_path, BEFORE, ALLOWED_ORIGINS=origins)

    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert [line for line in done.stdout.splitlines() if "approval" in line] == [
        "ok     approval",
        "WRONG  origins: the origin https://app.example.com/?ok     approval is none",
    ]


def test_a_key_of_the_right_account_is_written_by_what_infra_has_for_it(tmp_path: Path) -> None:
    template = (ROOT / "infra" / "face-key.bicep").read_text(encoding="utf-8")
    answers = AFTER | {"resource show": {"tags": {}}}

    (mend,) = re.findall(r"mend: (az deployment .+)", run(tmp_path, answers).stdout)

    _, _, given = mend.partition(" --parameters ")
    assert dict(one.split("=") for one in shlex.split(given)) == {
        "faceAccountName": "face-1", "faceSubscriptionId": "1", "faceResourceGroup": "rg",
        "vaultName": "kv-1", "secretName": "face-api-key", "keyName": "key1",
    }  # fmt: skip
    declared = re.findall(r"(?m)^param (\w+) \w+", template)
    assert declared == [*re.findall(r"(\w+)=", given), "expiresAt"]


def test_a_mend_that_is_pasted_runs_nothing_that_a_setting_says(tmp_path: Path) -> None:
    vault = "https://kv;touch$IFS$HOME;.vault.azure.net"
    changed = {"functionapp config appsettings list": settings(KEY_VAULT_URL=vault)}
    answers = AFTER | changed | {"resource show": {"tags": {}}}

    (mend,) = re.findall(r"mend: (az deployment .+)", run(tmp_path, answers).stdout)

    assert "vaultName=kv;touch$ifs$home;" in shlex.split(mend)


def test_what_cannot_be_looked_at_is_said_and_is_not_wrong(tmp_path: Path) -> None:
    answers = AFTER | {
        "rest": "ERROR: Forbidden: no right",
        "role assignment list": "ERROR: AuthorizationFailed\nmore",
        "cognitiveservices account list": [],
    }

    done = run(tmp_path, answers)

    unknown = re.findall(r"(?m)^\?      (\w+): (.+)$", done.stdout)
    assert done.returncode == 0
    assert [name for name, _ in unknown] == ["approval", "region", "key", "roles"]
    assert "scripts/smoke" in unknown[0][1]
    assert "no account of this subscription" in unknown[2][1]
    assert unknown[3][1] == "ERROR: AuthorizationFailed"


def test_nobody_logged_in_is_told_so_at_once(tmp_path: Path) -> None:
    done = run(tmp_path, {"group exists": "ERROR: Please run 'az login' to setup account."})

    assert done.returncode == 2
    assert "az login" in done.stderr


def test_preflight_changes_nothing_and_sees_no_key(tmp_path: Path) -> None:
    run(tmp_path, AFTER)

    calls = (tmp_path / "calls").read_text()
    verbs = {"list", "show", "exists", "rest", "list-skus", "list-deleted"}
    assert not [
        call
        for call in calls.splitlines()
        if not verbs & set(call.split()) and "list-flexconsumption-locations" not in call
    ]
    assert "keys" not in calls
    assert "--method get" in calls


def test_preflight_knows_every_role_and_provider_of_infra() -> None:
    infra = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "infra").glob("*.bicep"))
    roles = set(re.findall(r"(?m)^  '([\w ]+)': '[0-9a-f-]{36}'$", infra))
    providers = set(re.findall(r"'(Microsoft\.\w+)/[\w/]+@", infra)) - {"Microsoft.Authorization"}

    at_face = {"Cognitive Services Face Recognizer", "Cognitive Services User"}

    assert roles == {*names_in("ROLES"), *at_face, "EventGrid Data Sender"}
    assert set(names_in("PROVIDERS")) == providers | {"Microsoft.App"}
