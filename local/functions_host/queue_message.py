"""Between a queue's message texts and the worker's typed data. No I/O here."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from azure.storage.queue import QueueMessage

from local.functions_host.protos import TypedData

_NEVER = datetime.max.replace(tzinfo=UTC)  # .NET's largest


def decode_text(text: str, *, is_base64: bool) -> str:
    """Read a message's text; binascii.Error is no base64, UnicodeDecodeError no UTF-8."""
    return base64.b64decode(text, validate=True).decode() if is_base64 else text


def trigger_metadata(message: QueueMessage) -> Mapping[str, TypedData]:
    """Describe a message as the real host does: the worker takes times as JSON strings only."""
    return {
        "Id": TypedData(string=message.id),
        "DequeueCount": TypedData(string=str(message.dequeue_count)),
        "PopReceipt": TypedData(string=message.pop_receipt),
        **_times(message.inserted_on, message.expires_on, message.next_visible_on),
    }


def unscheduled_metadata(now: datetime) -> Mapping[str, TypedData]:
    """Describe what an administrator sends in place of a message."""
    return {"DequeueCount": TypedData(string="0"), **_times(now, _NEVER, _NEVER)}


def _times(
    inserted: datetime | None, expires: datetime | None, visible: datetime | None
) -> Mapping[str, TypedData]:
    names = ("InsertionTime", "ExpirationTime", "NextVisibleTime")
    return {
        name: TypedData(json=json.dumps(time.isoformat()))
        for name, time in zip(names, (inserted, expires, visible), strict=True)
        if time is not None
    }
