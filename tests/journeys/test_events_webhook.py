"""scripts/events-webhook lets Event Grid in at a receiver, whose address it tells nobody."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.rules.source import ROOT
from tests.support.entra_stand_in import A_TENANT

SCRIPT = ROOT / "scripts" / "events-webhook"
URL = "https://server.example/events?code=planted-secret"
ROLE = "AzureEventGridSecureWebhookSubscriber"


@dataclass(frozen=True, slots=True, kw_only=True)
class Azure:
    """An Azure CLI that is none, and what it has done."""

    folder: Path

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        return state

    def become(self, **state: object) -> None:
        text = json.dumps({**A_TENANT, **state})
        (self.folder / "state.json").write_text(text)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        given = {
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            "AZ_STATE": str(self.folder / "state.json"),
            "EVENTS_WEBHOOK_URL": URL,
            **environment,
        }
        return subprocess.run(  # noqa: S603 - our own script
            [SCRIPT, *arguments], env=given, capture_output=True, text=True, check=False
        )

    def changes(self) -> list[str]:
        return [
            call
            for call in self.state["calls"]
            if "create" in call.split() or "--method post" in call
        ]


@pytest.fixture
def azure(tmp_path: Path) -> Azure:
    script = tmp_path / "az"
    module = f'PYTHONPATH="{ROOT}" exec "{sys.executable}" -m tests.support.entra_stand_in'
    script.write_text(f'#!/bin/sh\n{module} "$@"\n')
    script.chmod(0o700)
    azure = Azure(folder=tmp_path)
    azure.become()
    return azure


def test_a_receiver_is_made_known_and_event_grid_and_the_operator_have_its_role(
    azure: Azure,
) -> None:
    done = azure.run("my-group")

    state = azure.state
    assert (done.returncode, done.stderr) == (0, "")
    assert state["applications"] == {"face-liveness-events": ROLE}
    assert state["assigned"] == ["id-of-Microsoft.EventGrid", "id-of-me"]
    assert state["webhook"] == {
        "EVENTS_WEBHOOK_URL": URL,
        "EVENTS_TOPIC": "evgt-events-liveness-1",
        "EVENTS_AUDIENCE": "face-liveness-events",
    }
    assert "infra/events-webhook.bicepparam" in azure.changes()[-1]


def test_a_second_run_only_deploys_again(azure: Azure) -> None:
    azure.run("my-group")
    before = len(azure.changes())

    azure.run("my-group", EVENTS_WEBHOOK_URL="https://another.example")

    (again,) = azure.changes()[before:]
    assert "deployment group create" in again
    assert azure.state["webhook"]["EVENTS_WEBHOOK_URL"] == "https://another.example"


def test_the_address_is_on_no_command_line_and_not_repeated(azure: Azure) -> None:
    done = azure.run("my-group")

    assert "planted-secret" not in done.stdout + done.stderr + " ".join(azure.state["calls"])


def test_an_application_that_deploys_has_the_role_like_a_person(azure: Azure) -> None:
    azure.become(me={"user.type": "servicePrincipal", "user.name": "deployer"})

    azure.run("my-group")

    assert azure.state["assigned"][1] == "id-of-deployer"


def test_event_grid_is_found_by_its_name_where_the_tenant_knows_it(azure: Azure) -> None:
    azure.become(principals={"Microsoft.EventGrid": "known-already"})

    azure.run("my-group", EVENTS_APPLICATION="my-receiver")

    assert azure.state["assigned"][0] == "known-already"
    assert azure.state["applications"] == {"my-receiver": ROLE}


@pytest.mark.parametrize(
    ("state", "environment", "complaint"),
    [
        pytest.param({}, {"EVENTS_WEBHOOK_URL": ""}, "EVENTS_WEBHOOK_URL must be", id="no address"),
        pytest.param(
            {}, {"EVENTS_WEBHOOK_URL": "http://server.example"}, "by https", id="plain http"
        ),
        pytest.param(
            {}, {"EVENTS_APPLICATION": "x' or 1 eq 1"}, "EVENTS_APPLICATION must be", id="odd name"
        ),
        pytest.param(
            {"Microsoft.EventGrid/topics": ""}, {}, "with the parameter events", id="events off"
        ),
        pytest.param(
            {"Microsoft.EventGrid/topics": "a\nb"}, {}, "more than one topic", id="two topics"
        ),
        pytest.param(
            {"applications": {"face-liveness-events": "Reader"}},
            {},
            "lacks the role",
            id="an application of somebody else",
        ),
    ],
)
def test_what_cannot_be_right_changes_nothing(
    azure: Azure, state: dict[str, object], environment: dict[str, str], complaint: str
) -> None:
    azure.become(**state)

    done = azure.run("my-group", **environment)

    assert done.returncode == 1
    assert complaint in done.stderr
    assert azure.changes() == []


def test_without_a_group_it_says_how_it_is_used(azure: Azure) -> None:
    assert "usage: " in azure.run(AZURE_RESOURCE_GROUP="").stderr
