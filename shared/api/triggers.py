"""What the queue and the timer set off."""

import azure.functions as func

from shared.composition import App
from shared.errors import UnreadableMessageError
from shared.session.ids import is_session_id

# The same number as host.json's maxDequeueCount.
MAX_DEQUEUE_COUNT = 12


async def record_result(app: App, message: func.QueueMessage) -> None:
    """Look again at the session that a message names; raising makes the platform repeat it."""
    session_id = message.get_body().decode("ascii", "replace")
    if not is_session_id(session_id):
        raise UnreadableMessageError("the message names no session")
    last_try = (message.dequeue_count or 0) >= MAX_DEQUEUE_COUNT
    await app.flow.settle(session_id, last_try=last_try)


async def sweep_stale_sessions(app: App) -> None:
    """Do whatever is due: settle, abandon, delete at Face, purge."""
    await app.sweep.run()
