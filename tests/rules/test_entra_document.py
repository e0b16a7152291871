"""What an administrator pastes from docs/entra.md is whole, and makes what the app checks for."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.api import door
from shared.entra import access_token
from tests.rules.source import ROOT
from tests.support.entra_tokens import a_token, claims

DOCUMENT = (ROOT / "docs" / "entra.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(?ms)^```sh\n(.*?)^```", DOCUMENT)
# Answers each question by what it asks for, and writes down what it was asked.
AZ = """
import json, os, sys
words = sys.argv[1:]
with open(os.environ["AZ_CALLS"], "a") as calls:
    calls.write(json.dumps(words) + "\\n")
query = words[words.index("--query") + 1] if "--query" in words else ""
answers = json.loads(os.environ["AZ_ANSWERS"])
print(answers.get(query, "an-answer") if query else "")
"""
TOKEN = a_token()
ANSWERS = {
    "appId": "client-id",
    "id": "api-id",
    "principalId": "server-id",
    "appRoles[?value=='Liveness.Server'].id": "server-role-id",
    "appRoles[?value=='Liveness.Operator'].id": "operator-role-id",
    "value[?principalId=='server-id'].id": "grant-id",
    "tenantId": "tenant-id",
    "accessToken": TOKEN,
}


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """Paste the whole document into a shell, and give what the Azure CLI was asked."""
    folder = tmp_path_factory.mktemp("pasted")
    scripts = folder / "scripts"
    scripts.mkdir()
    for name, text in {
        folder / "az": f"#!{sys.executable}\n{AZ}",
        scripts / "smoke": '#!/bin/sh\n[ "$SMOKE_TOKEN" = "$TOKEN" ] && echo "smoke $1"\n',
    }.items():
        name.write_text(text)
        name.chmod(0o700)
    done = subprocess.run(  # noqa: S603 - the document's own words
        ["/bin/sh", "-eu", "-c", "\n".join(BLOCKS)],
        cwd=folder,
        env={
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "AZ_CALLS": f"{folder}/calls",
            "AZ_ANSWERS": json.dumps(ANSWERS),
            "RG": "rg-liveness",
            "APP": "func-1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert "smoke https://an-answer\n" in done.stdout
    assert json.loads(done.stdout.splitlines()[-1])["appid"] == claims()["appid"]
    return [json.loads(line) for line in Path(folder / "calls").read_text().splitlines()]


SETTINGS = ["functionapp", "config", "appsettings", "set"]


def option(call: list[str], name: str) -> str:
    return call[call.index(name) + 1]


def sent(calls: list[list[str]], method: str, path: str) -> list[Any]:
    """Give the body of every call of Graph to a path."""
    url = f"https://graph.microsoft.com/v1.0/{path}"
    graph = [call for call in calls if call[:3] == ["rest", "--method", method]]
    return [json.loads(option(one, "--body")) for one in graph if option(one, "--url") == url]


def test_the_two_roles_are_those_that_the_app_asks_for(calls: list[list[str]]) -> None:
    (create,) = (call for call in calls if call[:3] == ["ad", "app", "create"])
    roles = json.loads(option(create, "--app-roles"))

    assert {role["value"] for role in roles} == set(door._ROLES.values())
    assert len({role["id"] for role in roles}) == len(roles)
    assert all(role["allowedMemberTypes"] == ["Application", "User"] for role in roles)


def test_tokens_are_of_version_2_and_for_nobody_without_a_role(calls: list[list[str]]) -> None:
    application = sent(calls, "PATCH", "applications(appId='client-id')")
    audience = {"identifierUris": ["api://client-id"], "api": {"requestedAccessTokenVersion": 2}}

    assert application[0] == audience
    assert sent(calls, "PATCH", "servicePrincipals/api-id") == [{"appRoleAssignmentRequired": True}]


def test_a_role_is_given_to_a_server_and_to_a_person_and_taken_away(
    calls: list[list[str]],
) -> None:
    grants = sent(calls, "POST", "servicePrincipals/api-id/appRoleAssignedTo")
    (revoked,) = (option(one, "--url") for one in calls if "DELETE" in one)

    assert grants == [
        {"principalId": "server-id", "resourceId": "api-id", "appRoleId": "server-role-id"},
        {"principalId": "api-id", "resourceId": "api-id", "appRoleId": "operator-role-id"},
    ]
    assert revoked.endswith("/servicePrincipals/api-id/appRoleAssignedTo/grant-id")


def test_people_come_by_the_azure_cli(calls: list[list[str]]) -> None:
    _, scope, cli = sent(calls, "PATCH", "applications(appId='client-id')")
    (offered,) = scope["api"]["oauth2PermissionScopes"]
    (allowed,) = cli["api"]["preAuthorizedApplications"]

    assert allowed["delegatedPermissionIds"] == [offered["id"]]
    # https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
    assert allowed["appId"] == "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


def test_the_app_is_told_the_audience_that_its_callers_ask_for(calls: list[list[str]]) -> None:
    (switched,) = (call for call in calls if call[:4] == SETTINGS)
    (token,) = (call for call in calls if call[:2] == ["account", "get-access-token"])

    assert switched[switched.index("--settings") + 1 :] == [
        "SERVER_AUTH=entra",
        "ENTRA_AUDIENCE=client-id",
        "ENTRA_TENANT_ID=tenant-id",
    ]
    assert option(token, "--scope") == "client-id/.default"


def test_every_claim_that_is_looked_at_is_in_the_table() -> None:
    told = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"(?m)^\| (`.+?) \|", DOCUMENT))))

    assert told == {*access_token._REQUIRED, "azp", "appid", "oid", "roles"}
