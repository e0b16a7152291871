import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.core.exceptions import ServiceResponseTimeoutError
from azure.core.rest import HttpRequest

from shared.azure_http import open_transport


async def answer(request: web.Request) -> web.Response:
    """Name the connection that a request came by; on /slow, never."""
    if request.path == "/slow":
        await asyncio.Event().wait()
    assert request.transport is not None
    return web.json_response(request.transport.get_extra_info("peername"))


@pytest.fixture
async def server() -> TestServer:
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    return TestServer(app)


async def test_a_proxy_of_the_environment_is_not_asked_and_connections_are_kept(
    server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with server, open_transport(60) as transport:
        request = HttpRequest("GET", str(server.make_url("/")))

        answers = [(await transport.send(request)).json() for _ in range(2)]

    assert answers[0] == answers[1]


async def test_an_answer_that_never_comes_is_not_waited_for(server: TestServer) -> None:
    async with server, open_transport(0.05) as transport:
        with pytest.raises(ServiceResponseTimeoutError):
            await transport.send(HttpRequest("GET", str(server.make_url("/slow"))))
