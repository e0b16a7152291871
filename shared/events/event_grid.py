"""Sends events to an Event Grid topic, by the app's own identity."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import HttpResponseError

from shared import azure_errors
from shared.errors import EventsUnavailableError
from shared.events import cloud_event
from shared.session.erasure import Receipt
from shared.session.session import Session

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineResponse
    from azure.eventgrid.aio import EventGridPublisherClient

# Thousands of sessions may wait for a topic that is away, each for the whole time-out.
_MAX_IN_VAIN = 5
_PAUSE = timedelta(seconds=30)
# What Event Grid says of events that it has taken: nothing.
_YES = (b"", b"{}")


class EventGridTopic:
    """Has one topic take events, one a call. A lost answer is a failure too, so some come twice."""

    def __init__(
        self,
        endpoint: str,
        credential: AsyncTokenCredential,
        *,
        environment_name: str,
        timeout_seconds: float,
        now: Callable[[], datetime],
    ) -> None:
        """Take the app's credential; nothing is opened before the first event."""
        self._endpoint = endpoint
        self._credential = credential
        self._source = cloud_event.source_of(environment_name)
        self._timeout_seconds = timeout_seconds
        self._now = now
        self._in_vain = 0
        self._alone_until: datetime | None = None
        self._client: EventGridPublisherClient | None = None

    async def send_ending(self, session: Session) -> None:
        """Tell how a session ended; may raise EventsUnavailable."""
        await self._send(dict(cloud_event.ending_event(self._source, session)))

    async def send_lock(self, session: Session, locked_until: datetime) -> None:
        """Tell that a session's failure has locked its person; may raise EventsUnavailable."""
        await self._send(dict(cloud_event.lock_event(self._source, session, locked_until)))

    async def send_erasure(self, receipt: Receipt) -> None:
        """Tell that a person has been erased; may raise EventsUnavailable."""
        await self._send(dict(cloud_event.erasure_event(self._source, receipt)))

    async def check(self) -> None:
        """Offer what is no event: only to whom it would take one from does it say why not."""
        await self._send({}, fine=HTTPStatus.BAD_REQUEST)

    async def close(self) -> None:
        """Close the client, if there ever was an event."""
        if self._client is not None:
            await self._client.close()

    async def _send(self, event: dict[str, object], *, fine: int | None = None) -> None:
        if self._alone_until and self._now() < self._alone_until:
            raise EventsUnavailableError("the topic is left alone: it took none of the last events")
        self._client = self._client or self._open_client()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._client.send(event)
        except azure_errors.CLIENT_ERRORS as error:
            if fine is not None and getattr(error, "status_code", None) == fine:
                return
            cause = azure_errors.describe(error)
            self._in_vain += 1
            if self._in_vain >= _MAX_IN_VAIN:
                self._alone_until = self._now() + _PAUSE
            raise EventsUnavailableError(f"the topic took no event: {cause}") from error
        self._in_vain = 0

    def _open_client(self) -> "EventGridPublisherClient":
        # Only now: no create has to wait for an import that it does not need.
        from azure.eventgrid.aio import EventGridPublisherClient  # noqa: PLC0415 - see above

        # One try: the walk comes again, and the SDK's own three outlast any caller.
        return EventGridPublisherClient(
            self._endpoint,
            self._credential,
            retry_total=0,
            permit_redirects=False,
            raw_response_hook=_check_answer,
            connection_timeout=self._timeout_seconds,
            read_timeout=self._timeout_seconds,
        )


def _check_answer(response: "PipelineResponse[Any, Any]") -> None:
    # The SDK looks at the status only, which a page to sign in may have as well.
    answer = response.http_response
    if answer.status_code == HTTPStatus.OK and answer.body() not in _YES:
        raise HttpResponseError(response=answer)
