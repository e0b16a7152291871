"""Every way into the app, on one page."""

import gc

# What is imported here stays for as long as the process. Looking through all of it again and again
# for garbage, of which there is none, would be a seventh of what the start costs us.
gc.disable()

import azure.functions as func

from shared import settings, telemetry
from shared.api import for_frontend, for_operator, for_server, public, triggers
from shared.api.door import Audience
from shared.api.responses import answer, respond

# The worker's own line for every call is one that Azure bills and nobody reads.
telemetry.silence_sdk_logs()

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

_STORAGE = "AzureWebJobsStorage"
_QUEUE = "liveness-completions"
# Servers and operators meet one door: the platform's, which asks for a key, or that of `answer`,
# which asks for an Entra token.
_BY_CALLER = (
    func.AuthLevel.ANONYMOUS
    if settings.load_server_auth() is settings.ServerAuth.ENTRA
    else func.AuthLevel.FUNCTION
)
# The session's own token opens these routes, so the platform asks for no key.
_BY_TOKEN = func.AuthLevel.ANONYMOUS


@app.route("sessions", methods=["POST"], auth_level=_BY_CALLER)
async def start_session(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Open a session: for your server, by a function key or an access token."""
    return await answer(for_server.start_session, req, context, Audience.SERVER)


@app.route("sessions/{session_id}", methods=["GET"], auth_level=_BY_TOKEN)
async def get_session(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Tell a frontend where its session is, by the session's token."""
    return await answer(for_frontend.get_session, req, context, Audience.FRONTEND)


@app.route("sessions/{session_id}/complete", methods=["POST"], auth_level=_BY_TOKEN)
async def complete_session(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Take a frontend's word that its check is over, by the session's token."""
    return await answer(for_frontend.complete_session, req, context, Audience.FRONTEND)


@app.route("sessions/{session_id}", methods=["DELETE"], auth_level=_BY_TOKEN)
async def cancel_session(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Give a session up and revoke it, by the session's token."""
    return await answer(for_frontend.cancel_session, req, context, Audience.FRONTEND)


@app.route("sessions/{session_id}/result", methods=["GET"], auth_level=_BY_CALLER)
async def get_result(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Tell your server how a session ended, by a function key or an access token."""
    return await answer(for_server.get_result, req, context, Audience.SERVER)


@app.route("sessions/{session_id}/result/consume", methods=["POST"], auth_level=_BY_CALLER)
async def consume_result(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Give a result to the first who makes use of it, by a function key or an access token."""
    return await answer(for_server.consume_result, req, context, Audience.SERVER)


@app.route("sessions/{session_id}/image", methods=["GET"], auth_level=_BY_CALLER)
async def get_session_image(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Give your server the picture of a check, by a function key or an access token."""
    return await answer(for_server.get_session_image, req, context, Audience.SERVER)


@app.route("sessions/{session_id}/event", methods=["POST"], auth_level=_BY_CALLER)
async def resend_event(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Send the event of a session's end again: for operators, by a key or an access token."""
    return await answer(for_operator.resend_event, req, context, Audience.OPERATOR)


@app.route("ready", methods=["GET"], auth_level=_BY_CALLER)
async def get_readiness(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Say whether each part can be used: for operators, by a key or an access token."""
    return await answer(
        for_operator.get_readiness,
        req,
        context,
        Audience.OPERATOR,
        misconfigured=for_operator.as_not_ready,
    )


@app.route("persons/unlock", methods=["POST"], auth_level=_BY_CALLER)
async def unlock_person(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """End a person's wait after failures: for operators, by a key or an access token."""
    return await answer(for_operator.unlock_person, req, context, Audience.OPERATOR)


@app.route("persons/sessions", methods=["POST"], auth_level=_BY_CALLER)
async def list_person_sessions(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """List a person's sessions: for operators, by a function key or an access token."""
    return await answer(for_operator.list_person_sessions, req, context, Audience.OPERATOR)


@app.route("persons/erase", methods=["POST"], auth_level=_BY_CALLER)
async def erase_person(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Erase a person, or tell how far that is: for operators, by a key or an access token."""
    return await answer(for_operator.erase_person, req, context, Audience.OPERATOR)


@app.route("health", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
async def get_health(
    req: func.HttpRequest,  # noqa: ARG001
    context: func.Context,
) -> func.HttpResponse:
    """Say that the app runs."""
    return respond(public.get_health(), context)


@app.route("openapi.json", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def get_openapi(
    req: func.HttpRequest,  # noqa: ARG001
    context: func.Context,
) -> func.HttpResponse:
    """Give the OpenAPI document of all this."""
    return respond(public.get_openapi(), context)


@app.queue_trigger("message", queue_name=_QUEUE, connection=_STORAGE)
async def record_result(message: func.QueueMessage) -> None:
    """Look again at a session whose result was not there when somebody last looked."""
    await triggers.record_result(message)


@app.timer_trigger("timer", schedule="%SWEEP_SCHEDULE%")
async def sweep_stale_sessions(timer: func.TimerRequest) -> None:  # noqa: ARG001
    """Do whatever is due: settle, abandon, delete at Face, purge."""
    await triggers.sweep_stale_sessions()


# And nobody has to look through it while a caller waits.
gc.freeze()
gc.enable()
