"""infra/ says what the code needs, nothing that Azure refuses, and lets no secret out."""

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

import function_app
from shared import settings, telemetry
from shared.api import request_parts
from shared.errors import ConfigurationError
from shared.store.session_store import TABLE_NAME
from tests.rules.source import MODULES, ROOT, tree_of

INFRA = ROOT / "infra"
MAIN = INFRA / "main.bicep"
MODULE_FILES = sorted(set(INFRA.glob("*.bicep")) - {MAIN})
PARAMETER_FILES = sorted(INFRA.glob("*.bicepparam"))
ALL_FILES = [MAIN, *MODULE_FILES, *PARAMETER_FILES]

# What the platform and the SDKs read, beside what the app reads itself.
PLATFORM_SETTINGS = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AZURE_CLIENT_ID", "AZURE_TOKEN_CREDENTIALS", "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__clientId", "AzureWebJobsStorage__credential",
    "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT",
}  # fmt: skip
# What other resources of this deployment say.
WIRED_SETTINGS = {
    "APP_SECRET_NAME", "AzureWebJobsStorage__queueServiceUri",
    "AzureWebJobsStorage__tableServiceUri", "FACE_AUTH",
    "FACE_ENDPOINT", "FACE_KEY_SECRET_NAME", "KEY_VAULT_URL",
}  # fmt: skip
# A connection string belongs to an emulator; the others are the platform's own to say.
NOT_IN_AZURE = {"AzureWebJobsStorage", "AZURE_FUNCTIONS_ENVIRONMENT", "IDENTITY_HEADER"}

# https://learn.microsoft.com/azure/azure-functions/functions-app-settings#flex-consumption-plan-deprecations
REFUSED_BY_FLEX = {
    "ENABLE_ORYX_BUILD", "FUNCTIONS_EXTENSION_VERSION", "FUNCTIONS_MAX_HTTP_CONCURRENCY",
    "FUNCTIONS_WORKER_PROCESS_COUNT", "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_WORKER_RUNTIME_VERSION", "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING", "WEBSITE_CONTENTSHARE", "WEBSITE_DNS_SERVER",
    "WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT", "WEBSITE_NODE_DEFAULT_VERSION",
    "WEBSITE_RUN_FROM_PACKAGE", "WEBSITE_VNET_ROUTE_ALL",
    "alwaysOn", "containerSize", "dailyMemoryTimeQuota", "ftpsState", "functionAppScaleLimit",
    "functionsRuntimeScaleMonitoringEnabled", "healthCheckPath", "isReserved", "javaVersion",
    "linuxFxVersion", "minimumElasticInstanceCount", "netFrameworkVersion", "powerShellVersion",
    "preWarmedInstanceCount", "use32BitWorkerProcess", "windowsFxVersion",
}  # fmt: skip

# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
KNOWN_ROLES = {
    "Cognitive Services Face Recognizer": "9894cab4-e18a-44aa-828b-cb588cd6f2d7",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
}

# The least version of every type. Older ones of Key Vault end on 27 February 2027:
# https://learn.microsoft.com/azure/key-vault/general/access-control-default
MIN_VERSIONS = {
    "Microsoft.Authorization/roleAssignments": "2022-04-01",
    "Microsoft.CognitiveServices/accounts": "2025-06-01",
    "Microsoft.Insights/actionGroups": "2023-01-01",
    "Microsoft.Insights/components": "2020-02-02",
    "Microsoft.Insights/diagnosticSettings": "2021-05-01-preview",
    "Microsoft.Insights/metricAlerts": "2018-03-01",
    "Microsoft.Insights/scheduledQueryRules": "2023-12-01",
    "Microsoft.KeyVault/vaults": "2026-02-01",
    "Microsoft.KeyVault/vaults/secrets": "2026-02-01",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "2024-11-30",
    "Microsoft.Network/privateDnsZones": "2024-06-01",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": "2024-06-01",
    "Microsoft.Network/privateEndpoints": "2025-05-01",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": "2025-05-01",
    "Microsoft.Network/virtualNetworks": "2025-05-01",
    "Microsoft.Network/virtualNetworks/subnets": "2025-05-01",
    "Microsoft.OperationalInsights/workspaces": "2025-07-01",
    "Microsoft.Storage/storageAccounts": "2025-06-01",
    "Microsoft.Web/serverfarms": "2025-03-01",
    "Microsoft.Web/sites": "2025-03-01",
}


def text_of(path: Path) -> str:
    """Read a file without its comments."""
    text = path.read_text(encoding="utf-8")
    return re.sub(r"(?m)^\s*//.*$|(?<=\s)//\s.*$", "", text)


def module(name: str) -> str:
    return text_of(INFRA / f"{name}.bicep")


def block(text: str, opening: str) -> str:
    """Cut out what stands between a line and the brace at the line's own depth that ends it."""
    match = re.search(rf"(?ms)^{re.escape(opening)}\n(.*?)^}}", text)
    assert match, f"no {opening}"
    return match[1]


def infra_settings() -> dict[str, str]:
    """Name every setting that function-app.bicep sets, with the expression of its value."""
    pairs = re.findall(r"(?m)^ {2}(\w+): (.+)$", block(module("function-app"), "var settings = {"))
    return dict(pairs)


class _Asked(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override] # as os.environ
        self.names.add(name)
        return super().get(name, default)


def settings_the_app_reads() -> set[str]:
    """Ask settings.py itself, once for each way of proving ourselves to Face."""
    names: set[str] = set()
    for values in ({"FACE_AUTH": "key"}, {"FACE_AUTH": "entra"}):
        asked = _Asked(values)
        with pytest.raises(ConfigurationError):
            settings.from_environment(asked)
        names |= asked.names
    return names


def queues_of_the_app() -> set[str]:
    """Name every queue of function_app.py, whether it is written out or by its constant."""
    words = [
        word.value
        for word in ast.walk(tree_of(ROOT / "function_app.py"))
        if isinstance(word, ast.keyword) and word.arg == "queue_name"
    ]
    constants = {word.id for word in words if isinstance(word, ast.Name)}
    written = {str(word.value) for word in words if isinstance(word, ast.Constant)}
    return written | {str(getattr(function_app, name)) for name in constants}


def settings_the_bindings_read() -> set[str]:
    return set(re.findall(r"%(\w+)%", (ROOT / "function_app.py").read_text(encoding="utf-8")))


def role_lines(path: Path) -> list[tuple[str, str, str]]:
    """Give each role of a file with its id and the line above it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = (re.fullmatch(r"  '([\w ]+)': '([0-9a-f-]{36})'", line) for line in lines)
    return [(role[1], role[2], lines[i - 1]) for i, role in enumerate(found) if role]


def test_every_setting_that_is_read_is_set_and_no_other() -> None:
    needed = settings_the_app_reads() | settings_the_bindings_read()

    assert set(infra_settings()) == needed - NOT_IN_AZURE | PLATFORM_SETTINGS


def test_what_infra_sets_is_what_the_app_defaults_to() -> None:
    written = {name: value.strip("'") for name, value in infra_settings().items()}
    known = {
        "FACE_AUTH": "key",
        "FACE_ENDPOINT": "https://face.example",
        "KEY_VAULT_URL": "https://vault.example",
        "AzureWebJobsStorage__tableServiceUri": "https://table.example",
        "AzureWebJobsStorage__queueServiceUri": "https://queue.example",
        "SWEEP_SCHEDULE": "0 * * * * *",
    }
    written = {name: value for name, value in written.items() if name != "FACE_KEY_SECRET_NAME"}

    assert settings.from_environment(written | known) == settings.from_environment(known)


def test_an_environment_may_choose_every_setting_that_is_not_wired() -> None:
    choices = re.findall(r"(?m)^ {2}(\w+): string\?$", block(text_of(MAIN), "type Choices = {"))

    assert set(choices) == set(infra_settings()) - PLATFORM_SETTINGS - WIRED_SETTINGS


def test_the_host_takes_no_larger_body_than_the_app() -> None:
    limit = infra_settings()["FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"]

    assert limit == f"'{request_parts.MAX_BYTES}'"


def test_nothing_is_said_that_flex_consumption_refuses() -> None:
    words = set(re.findall(r"\w+", "\n".join(map(text_of, ALL_FILES))))

    assert words & REFUSED_BY_FLEX == set()


def test_an_instance_takes_more_than_one_request_at_a_time() -> None:
    text = module("function-app")

    assert "triggers: { http: { perInstanceConcurrency: requestsPerInstance } }" in text
    assert int(re.findall(r"var requestsPerInstance = (\d+)", text)[0]) > 1


def test_every_role_is_known_and_justified() -> None:
    roles = [role for path in MODULE_FILES for role in role_lines(path)]

    assert {name: role_id for name, role_id, _ in roles} == KNOWN_ROLES
    assert all(re.match(r" {2}// \S+( \S+){3,}", above) for _, _, above in roles)


def test_no_other_role_is_given_in_any_other_way() -> None:
    text = "\n".join(map(text_of, ALL_FILES))
    ids = re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", text)

    assert sorted(ids) == sorted(KNOWN_ROLES.values())
    loops = text.count("for role in items(roles):")
    assert loops == text.count("'Microsoft.Authorization/roleAssignments@")


def outputs_of(path: Path) -> list[tuple[str, str]]:
    return re.findall(r"(?m)^output (\w+) \w+ = (.+)$", text_of(path))


@pytest.mark.parametrize("path", [MAIN, *MODULE_FILES], ids=lambda one: one.stem)
def test_no_secret_leaves_by_an_output(path: Path) -> None:
    secret = re.compile(
        r"list\w*\(|key[12s]?\b|connectionstring|password|sas\b|secret", re.IGNORECASE
    )

    assert [name for name, value in outputs_of(path) if secret.search(f"{name} {value}")] == []


@pytest.mark.parametrize("path", ALL_FILES, ids=lambda one: one.name)
def test_no_secret_is_a_parameter(path: Path) -> None:
    names = re.findall(r"(?m)^param (\w+)", text_of(path))

    harmless = {"faceKeySecretName", "secretName", "keyName"}
    assert [
        name
        for name in names
        if re.search("password|secret|token|key$|connection", name, re.IGNORECASE)
        and name not in harmless
    ] == []
    assert "@secure" not in text_of(path)


def test_keys_are_read_where_the_vault_is_written_and_nowhere_else() -> None:
    readers = [path.stem for path in ALL_FILES if re.search(r"\blist\w+\(", text_of(path))]

    assert readers == ["face-key"]


def types_of(path: Path) -> list[tuple[str, str]]:
    return re.findall(r"'(Microsoft\.[\w.]+(?:/\w+)+)@([\w-]+)'", text_of(path))


@pytest.mark.parametrize("path", MODULE_FILES, ids=lambda one: one.stem)
def test_every_type_is_of_a_version_that_lasts(path: Path) -> None:
    used = types_of(path)

    assert used
    assert [(name, version) for name, version in used if version < MIN_VERSIONS[name]] == []


def test_every_table_and_queue_of_the_code_is_declared() -> None:
    storage = module("storage")
    tables = re.findall(r"'tables' = \{\s+name: '(\w+)'", storage)
    (queues,) = re.findall(r"var queueNames = \[(.+)\]", storage)
    named = queues_of_the_app()

    assert tables == [TABLE_NAME]
    assert set(re.findall(r"'([\w-]+)'", queues)) == {
        *named,
        *(f"{name}-poison" for name in named),
    }


def test_the_package_of_code_has_a_container() -> None:
    (container,) = re.findall(r"'containers' = \{\s+name: '([\w-]+)'", module("storage"))

    assert container
    assert "account::blobs::package.name" in dict(outputs_of(INFRA / "storage.bicep")).values()
    assert "primaryEndpoints.blob}${packageContainerName}'" in module("function-app")


def test_what_must_be_off_is_off() -> None:
    storage, app = module("storage"), module("function-app")

    for line in ("allowSharedKeyAccess: false", "allowBlobPublicAccess: false"):
        assert line in storage
    assert "minimumTlsVersion: 'TLS1_2'" in storage
    assert app.count("properties: { allow: false }") == 2
    assert "httpsOnly: true" in app
    assert module("monitoring").count("isableLocalAuth: true") == 2
    assert "disableLocalAuth: auth == 'entra'" in module("face")


def test_browsers_are_never_let_in_from_everywhere() -> None:
    assert "contains(allowedOrigins, '*') ? fail(" in module("function-app")
    assert not [path for path in [MAIN, *PARAMETER_FILES] if "'*'" in text_of(path)]


def test_main_joins_modules_and_makes_nothing_itself() -> None:
    assert re.findall(r"(?m)^resource ", text_of(MAIN)) == []
    assert sorted(set(re.findall(r"module \w+ '([\w-]+)\.bicep'", text_of(MAIN)))) == sorted(
        path.stem for path in MODULE_FILES
    )
    assert not [path for path in MODULE_FILES if re.search(r"(?m)^module ", text_of(path))]


@pytest.mark.parametrize("path", [MAIN, *MODULE_FILES], ids=lambda one: one.stem)
def test_every_parameter_and_output_is_described(path: Path) -> None:
    text = text_of(path)
    declared = re.findall(r"(?m)^(?:param|output) (\w+)", text)
    described = re.findall(
        r"(?m)^@description\('.+'\)\n(?:@\w+\(.*\)\n)*(?:param|output) (\w+)", text
    )

    assert described == declared


@pytest.mark.parametrize("path", PARAMETER_FILES, ids=lambda one: one.stem)
def test_a_parameter_file_knows_the_parameters(path: Path) -> None:
    declared = set(re.findall(r"(?m)^param (\w+)", text_of(MAIN)))

    assert set(re.findall(r"(?m)^param (\w+) =", text_of(path))) <= declared


def test_alerts_look_for_lines_that_the_app_writes() -> None:
    alerts = (INFRA / "alerts.bicep").read_text(encoding="utf-8")
    code = "\n".join(path.read_text(encoding="utf-8") for path in MODULES.values())
    events = re.findall(r'startswith "([a-z ]+)"', alerts)
    fields = re.findall(r'(\w+)=\\"', alerts)

    assert sorted(events) == ["face silent", "request refused", "sweep ended"]
    assert not [event for event in events if f'"{event}"' not in code]
    assert set(fields) <= set(telemetry.WRITTEN_NAMES.values())
    assert all(f'"{code_}"' in code for code_ in re.findall(r'code=\\"(\w+)', alerts))
    assert "class UnreadableMessageError" in code


def test_somebody_woken_by_an_alert_can_read_what_to_do() -> None:
    names = re.findall(r"(?m)^ {2}'([a-z-]+)': \{$", (INFRA / "alerts.bicep").read_text())
    told = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

    assert len(names) == 6
    assert re.findall(r"(?m)^\| `([a-z-]+)` \|", told) == names
