"""What the queue and the timer set off."""

from collections.abc import Callable

import azure.functions as func

from shared import composition, telemetry, trace
from shared.app import App
from shared.errors import AppError, UnreadableMessageError
from shared.session.ids import is_session_id

# The same number as host.json's maxDequeueCount.
MAX_DEQUEUE_COUNT = 12


async def record_result(
    message: func.QueueMessage, app: Callable[[], App] = composition.app
) -> None:
    """Look again at the session that a message names; raising makes the platform repeat it.

    The last try lets go whatever is wrong, the settings too: the session's alarm has it.
    """
    # Of what comes after the id nothing is believed but a traceparent.
    session_id, _, trace_parent = message.get_body().decode("ascii", "replace").partition(" ")
    trace.follow_trace(trace_parent, is_from_message=True)
    if not is_session_id(session_id):
        raise UnreadableMessageError("the message names no session")
    try:
        await app().queue_flow.settle(session_id)
    except AppError as error:
        if (message.dequeue_count or 0) < MAX_DEQUEUE_COUNT:
            raise
        telemetry.log_event("message let go", session_id=session_id, cause=error)


async def sweep_stale_sessions(app: Callable[[], App] = composition.app) -> None:
    """Do whatever is due: settle, abandon, delete at Face, purge."""
    await app().sweep.run()
