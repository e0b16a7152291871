"""The host's own `/admin` routes, opened by the master key only."""

import json
from collections.abc import Callable, Mapping

from aiohttp import web

from local.functions_host.function_table import Function
from local.functions_host.host_answers import empty
from local.functions_host.keys import HostKeys

type RunUnscheduled = Callable[[Function, str | None], None]


class AdminApi:
    """What an administrator may ask of the host."""

    def __init__(
        self, functions: Mapping[str, Function], keys: HostKeys, run: RunUnscheduled
    ) -> None:
        """Take the functions by lower-case name, the keys, and the way to start a function."""
        self._functions = functions
        self._keys = keys
        self._run = run

    async def answer(
        self, request: web.BaseRequest, segments: list[str], key: str | None
    ) -> web.Response:
        """Answer a request whose first segment is `admin`."""
        if not self._keys.is_master(key):
            return empty(401)
        match (request.method, *(segment.lower() for segment in segments[1:])):
            case ("POST", "functions", name):
                return await self._run_function(request, name)
            case ("GET", "host", "status"):
                return web.json_response({"state": "Running"})
        return empty(404)

    async def _run_function(self, request: web.BaseRequest, name: str) -> web.Response:
        function = self._functions.get(name)
        if function is None:
            return empty(404)
        try:
            given = json.loads(await request.content.read() or b"{}").get("input")
        except (ValueError, AttributeError):
            return empty(400)
        self._run(function, given if isinstance(given, str) else None)
        return empty(202)
