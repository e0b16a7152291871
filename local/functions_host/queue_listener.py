"""A queue trigger: polls, runs the function for each message, repeats it or sets it aside."""

import asyncio
import contextlib
import logging
from datetime import UTC, datetime
from enum import Enum, auto

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueMessage

from local.functions_host.backoff import PollingBackoff
from local.functions_host.function_table import Function, QueueTrigger
from local.functions_host.host_json import QueueOptions
from local.functions_host.invocations import Invocations
from local.functions_host.message_lease import INVISIBLE, MessageLease
from local.functions_host.protos import TypedData
from local.functions_host.queue_message import decode_text, trigger_metadata, unscheduled_metadata
from local.functions_host.queue_storage import QueueStorage
from local.functions_host.worker import Call, FunctionFailedError

_logger = logging.getLogger(__name__)

# A queue of this name has no poison queue of its own.
# https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger#poison-messages
_POISON = "-poison"


class _Fate(Enum):
    """What becomes of a message."""

    DONE = auto()
    AGAIN = auto()
    POISON = auto()


class QueueListener:
    """Listens to one queue for one function."""

    def __init__(
        self,
        function: Function,
        trigger: QueueTrigger,
        *,
        options: QueueOptions,
        storage: QueueStorage,
        invocations: Invocations,
    ) -> None:
        """Open the queue and, unless it is one, its poison queue."""
        self.function = function
        self._trigger = trigger
        self._options = options
        self._invocations = invocations
        self._queue = storage.client(trigger.connection, trigger.queue)
        is_poison = trigger.queue.endswith(_POISON)
        poison = trigger.queue + _POISON
        self._poison = None if is_poison else storage.client(trigger.connection, poison)
        self._backoff = PollingBackoff(options.max_polling_interval)
        self._messages: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Listen until stopped, then let the messages at hand be settled."""
        try:
            while not self._stopping.is_set():
                await self._pause(found=await self._poll())
                await self._wait_for_at_most(self._options.new_batch_threshold)
            await self._wait_for_at_most(0)
        finally:
            for task in self._messages:
                task.cancel()

    def stop(self) -> None:
        """Receive nothing more."""
        self._stopping.set()

    def unscheduled_call(self, given: str | None) -> Call:
        """Describe a run that somebody asked for: no message of the queue's is behind it."""
        return Call(
            parameter=self._trigger.parameter,
            data=TypedData(string=given or ""),
            metadata=unscheduled_metadata(datetime.now(UTC)),
        )

    async def _poll(self) -> bool:
        try:
            batch = await self._receive()
        except ResourceNotFoundError:
            return False  # it may be created at any time
        except Exception as refused:  # noqa: BLE001 - nothing that Storage does may end the listener
            _logger.warning("queue %s could not be read: %s", self._trigger.queue, refused)
            return False
        for message in batch:
            task = asyncio.create_task(self._settle(message))
            self._messages.add(task)
            task.add_done_callback(self._messages.discard)
        return bool(batch)

    async def _receive(self) -> list[QueueMessage]:
        # One page is one request; more pages would be more requests for an emptied queue.
        pages = self._queue.receive_messages(
            messages_per_page=self._options.batch_size,
            visibility_timeout=round(INVISIBLE.total_seconds()),
        ).by_page()
        async for page in pages:
            return [message async for message in page]
        return []

    async def _pause(self, *, found: bool) -> None:
        wait = self._backoff.next_wait(found=found)
        if found:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait.total_seconds()):
                await self._stopping.wait()

    async def _wait_for_at_most(self, count: int) -> None:
        while len(self._messages) > count:
            await asyncio.wait(self._messages, return_when=asyncio.FIRST_COMPLETED)

    async def _settle(self, message: QueueMessage) -> None:
        lease = MessageLease(self._queue, message)
        renewal = asyncio.create_task(lease.renew_forever())
        try:
            fate = await self._run(message)
            renewal.cancel()
            await self._dispose(lease, fate)
        # It stays invisible for a while and is then delivered again: at least once.
        except Exception as refused:  # noqa: BLE001 - as above
            _logger.warning("message %s was not settled: %s", message.id, refused)
        finally:
            renewal.cancel()

    async def _run(self, message: QueueMessage) -> _Fate:
        tries, max_tries = message.dequeue_count or 0, self._options.max_dequeue_count
        if_failed = _Fate.AGAIN if tries < max_tries else _Fate.POISON
        try:
            text = decode_text(str(message.content), is_base64=self._options.is_base64)
        except UnicodeDecodeError:
            _logger.error("message %s is not UTF-8, so that no function sees it", message.id)  # noqa: TRY400 - a fact, no fault
            return if_failed
        except ValueError:
            return _Fate.POISON
        if tries > max_tries:
            return _Fate.POISON
        call = self._call(message, text, is_tried_again=if_failed is _Fate.AGAIN)
        try:
            await self._invocations.start(self.function, call)
        except FunctionFailedError:
            return if_failed
        return _Fate.DONE

    async def _dispose(self, lease: MessageLease, fate: _Fate) -> None:
        if fate is _Fate.DONE:
            await lease.delete()
        elif fate is _Fate.POISON and self._poison:
            await lease.move_to(self._poison)
        else:
            await lease.release(self._options.visibility_timeout)

    def _call(self, message: QueueMessage, text: str, *, is_tried_again: bool) -> Call:
        return Call(
            parameter=self._trigger.parameter,
            data=TypedData(string=text),
            metadata=trigger_metadata(message),
            is_tried_again=is_tried_again,
        )
