"""Every route is behind exactly one door, whichever servers and operators come with."""

import ast
import re
import runpy
from collections.abc import Mapping

import pytest

from local.openapi.routes import ROUTES
from shared.api.door import Audience
from tests.rules.source import ROOT, tree_of

PAGE = ROOT / "function_app.py"
# What tells nobody anything.
FOR_ANYBODY = {"get_health", "get_openapi"}
# The endpoints' module says whom they are for, too.
MODULES = {f"for_{audience}": audience for audience in Audience}
AUDIENCES = {route.function: route.audience for route in ROUTES}


def levels(monkeypatch: pytest.MonkeyPatch, server_auth: str | None) -> Mapping[str, str]:
    """Read the page as a process with this setting would, and say what the platform asks for."""
    if server_auth is None:
        monkeypatch.delenv("SERVER_AUTH", raising=False)
    else:
        monkeypatch.setenv("SERVER_AUTH", server_auth)
    app = runpy.run_path(str(PAGE))["app"]
    triggers = {one.get_function_name(): one.get_trigger() for one in app.get_functions()}
    return {
        name: trigger.auth_level.name
        for name, trigger in triggers.items()
        if trigger.type == "httpTrigger"
    }


def test_a_route_is_for_one_audience_or_for_anybody() -> None:
    assert {name for name, audience in AUDIENCES.items() if audience is None} == FOR_ANYBODY
    assert {Audience.SERVER, Audience.FRONTEND} <= set(AUDIENCES.values())


@pytest.mark.parametrize("name", sorted(AUDIENCES.keys() - FOR_ANYBODY))
def test_an_endpoint_is_of_the_module_of_its_audience(name: str) -> None:
    (function,) = (one for one in tree_of(PAGE).body if getattr(one, "name", "") == name)
    modules = set(re.findall(rf"\b({'|'.join(MODULES)})\.", ast.unparse(function)))

    assert {MODULES[module] for module in modules} == {AUDIENCES[name]}


@pytest.mark.parametrize("server_auth", [None, "", "key", "Entra", "none", "entra,key"])
def test_the_platform_asks_servers_and_operators_for_a_key_unless_they_come_with_tokens(
    server_auth: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_key = {Audience.SERVER, Audience.OPERATOR}
    expected = {
        name: "FUNCTION" if audience in by_key else "ANONYMOUS"
        for name, audience in AUDIENCES.items()
    }

    assert levels(monkeypatch, server_auth) == expected


@pytest.mark.parametrize("server_auth", ["entra", " entra "])
def test_with_tokens_the_platform_asks_nobody_for_a_key(
    server_auth: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert levels(monkeypatch, server_auth) == dict.fromkeys(AUDIENCES, "ANONYMOUS")
