"""The host's own `/admin` routes, opened by the master key only."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from aiohttp import web

from local.functions_host.function_table import Function
from local.functions_host.host_answers import empty, unauthorized
from local.functions_host.keys import HostKeys

type RunUnscheduled = Callable[[Function, str | None], None]

_NO_STORE = {"Cache-Control": "no-store,no-cache", "Pragma": "no-cache"}
_JSON_TYPES = ("application/json", "text/json")


class AdminApi:
    """What an administrator may ask of the host."""

    def __init__(
        self, functions: Sequence[Function], keys: HostKeys, run: RunUnscheduled, host_id: str
    ) -> None:
        """Take every function, sound or not, the keys, and the way to start a function."""
        self._functions = {function.name.lower(): function for function in functions}
        self._keys = keys
        self._run = run
        self._host_id = host_id

    async def answer(
        self, request: web.BaseRequest, path: Sequence[str], key: str | None
    ) -> web.Response:
        """Answer a request to `/admin`; the path is what follows, in lower case."""
        tell: Callable[[], web.Response]
        match (request.method, *path):
            case ("GET" | "POST", "host", "ping"):
                return web.Response(headers=_NO_STORE)
            case ("GET", "host", "status"):
                tell = partial(web.json_response, {"id": self._host_id, "state": "Running"})
            case ("GET", "functions"):
                tell = self._list
            case ("GET", "functions", name, "status"):
                tell = partial(self._tell_status, name)
            case ("POST", "functions", name):
                body = await request.content.read()
                tell = partial(self._run_function, name, request.content_type, body)
            case _:
                return empty(404)
        return self._refuse(key) or tell()

    def _refuse(self, key: str | None) -> web.Response | None:
        if self._keys.is_master(key):
            return None
        if self._keys.is_host(key):
            return empty(403)
        return unauthorized()

    def _list(self) -> web.Response:
        return web.json_response([_described(function) for function in self._functions.values()])

    def _tell_status(self, name: str) -> web.Response:
        function = self._functions.get(name)
        if function is None:
            return empty(404)
        return web.json_response({"errors": [function.error]} if function.error else {})

    def _run_function(self, name: str, content_type: str, body: bytes) -> web.Response:
        if content_type not in _JSON_TYPES and not content_type.endswith("+json"):
            return empty(415)
        try:
            given = json.loads(body).get("input")
        except (ValueError, AttributeError):
            return empty(400)
        if not isinstance(given, str | None):
            return empty(400)
        if name not in self._functions:
            return empty(404)
        self._run(self._functions[name], given)
        return empty(202)


def _described(function: Function) -> Mapping[str, object]:
    return {
        "name": function.name,
        "language": "python",
        "isDisabled": function.is_disabled,
        "config": {"bindings": function.bindings},
    }
