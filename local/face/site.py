"""One web application for the Face simulator and its control routes, which share a port."""

from aiohttp import web

from local.face import controls, simulator
from local.face.controls import FaceControl
from local.face.simulator import FaceSimulator
from local.faults.wire import Handler

_MAX_BODY = 32 * 1024 * 1024


def application(
    face: FaceSimulator, control: FaceControl, *more_controls: web.RouteDef
) -> web.Application:
    """Join the two; anything neither has a route for is Face's 404."""

    @web.middleware
    async def serve(request: web.Request, handler: Handler) -> web.StreamResponse:
        is_control = request.path.startswith(controls.PREFIX)
        return await (controls if is_control else face).serve(request, handler)

    app = web.Application(middlewares=[serve], client_max_size=_MAX_BODY)
    app.add_routes([*control.routes(), *more_controls, *face.routes()])
    app.on_response_prepare.append(_stamp)
    return app


async def _stamp(request: web.Request, response: web.StreamResponse) -> None:
    is_control = request.path.startswith(controls.PREFIX)
    await (controls if is_control else simulator).stamp(request, response)
