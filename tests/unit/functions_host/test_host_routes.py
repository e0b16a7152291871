import pytest

from local.functions_host.routes import parse_route
from local.functions_host.start_error import HostStartError


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("api/sessions/{id}", "/api/sessions/AbC", {"id": "AbC"}),
        ("api/sessions/{id}", "/API/Sessions/AbC/", {"id": "AbC"}),
        ("api/sessions/{id}", "/api/sessions/a bü%2F", {"id": "a bü%2F"}),
        ("api/sessions/{id?}", "/api/sessions", {}),
        ("api/sessions/{id?}", "/api/sessions/a", {"id": "a"}),
        ("api/sessions/{id}", "/api/sessions", None),
        ("api/sessions/{id}", "/api/sessions//", None),
        ("api/sessions/{id}", "/api/sessions/a/b", None),
        ("api/sessions/{id}/result", "/api/sessions/a/complete", None),
    ],
)
def test_path_is_matched_as_asp_net_does(
    template: str, path: str, values: dict[str, str] | None
) -> None:
    assert parse_route(template).match(path) == values


@pytest.mark.parametrize("template", ["api/{a?}/b", "api/{a:int}", "api/x{a}"])
def test_route_that_is_not_understood_is_refused(template: str) -> None:
    with pytest.raises(HostStartError, match="route"):
        parse_route(template)
