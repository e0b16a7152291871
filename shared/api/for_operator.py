"""What an operator may ask, opened by a function key or an access token."""

import azure.functions as func

from shared.api import person_body, replies
from shared.api.contract import EventReply
from shared.api.request_parts import read_body, session_id
from shared.api.responses import Reply
from shared.app import App
from shared.errors import ConfigurationError, NotReadyError
from shared.session.person import Person


async def resend_event(app: App, req: func.HttpRequest) -> Reply:
    """Have your server told once more how a session ended."""
    known = session_id(req)
    await app.flow.resend_event(known)
    return Reply(status=202, body=EventReply(session_id=known))


async def get_readiness(app: App, req: func.HttpRequest) -> Reply:  # noqa: ARG001
    """Say of each part whether the app could use it."""
    return Reply(status=200, body=replies.ready_reply(await app.readiness.check()))


def as_not_ready(error: ConfigurationError) -> NotReadyError:
    """Say that it is the settings with which the app cannot even begin."""
    refusal = NotReadyError(str(error))
    refusal.failures = {"settings": error}
    return refusal


async def unlock_person(app: App, req: func.HttpRequest) -> Reply:
    """Forgive a person's failures, so that the wait after them is over."""
    person = person_body.parse(req.headers.get("Content-Type", ""), read_body(req))
    await app.persons.unlock(person)
    return Reply(status=204)


async def list_person_sessions(app: App, req: func.HttpRequest) -> Reply:
    """List a person's sessions, the newest first."""
    person, continuation = person_body.parse_list(
        req.headers.get("Content-Type", ""), read_body(req)
    )
    page = await app.persons.list_sessions(person, continuation)
    return Reply(status=200, body=replies.list_reply(page))


async def erase_person(app: App, req: func.HttpRequest) -> Reply:
    """Begin to erase a person, or tell how far that is."""
    wanted = person_body.parse_erase(req.headers.get("Content-Type", ""), read_body(req))
    if isinstance(wanted, Person):
        receipt = await app.erasure.erase(wanted)
    else:
        receipt = await app.erasure.find(wanted)
    status = 200 if receipt.erased_at else 202
    return Reply(status=status, body=replies.erase_reply(receipt))
