"""The world as a test sees it: a frontend, a server, an operator, a device, Storage."""

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import batched, groupby
from operator import itemgetter
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

import aiohttp
from azure.data.tables.aio import TableClient
from azure.storage.blob.aio import BlobClient
from azure.storage.queue.aio import QueueClient

from local.stack.stack import Stack
from shared.store.images import CONTAINER_NAME
from shared.store.sealing import Sealer
from shared.store.session_store import TABLE_NAME
from tests.support.app_lines import AppLines
from tests.support.constants import FUNCTION_KEY, MASTER_KEY, QUEUE_NAME
from tests.support.seals import sealer_of

# Nothing waits so long but for a failure.
PATIENCE_SECONDS = 60

type Json = Any


class Host(Protocol):
    """Whatever runs the app."""

    @property
    def url(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode(errors="replace")

    @property
    def body(self) -> Json:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        return str(self.body["error"]["code"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A session as the one who started it knows it."""

    session_id: str
    auth_token: str
    session_token: str
    started: Json

    @property
    def token(self) -> dict[str, str]:
        return {"X-Session-Token": self.session_token}


@dataclass(slots=True, kw_only=True)
class World:
    """Everything outside the app, and the app's doors."""

    stack: Stack
    url: str
    http: aiohttp.ClientSession
    table: TableClient
    queue: QueueClient
    has_failed_calls: bool = False

    @classmethod
    @asynccontextmanager
    async def around(cls, stack: Stack, host: Host) -> AsyncIterator[Self]:
        """Open what a test needs to look at the world, and close it."""
        storage = stack.settings["AzureWebJobsStorage"]
        async with (
            aiohttp.ClientSession() as http,
            TableClient.from_connection_string(storage, TABLE_NAME) as table,
            QueueClient.from_connection_string(storage, QUEUE_NAME) as queue,
        ):
            yield cls(stack=stack, url=f"{host.url}/api", http=http, table=table, queue=queue)

    # What callers do.

    async def call(self, method: str, path: str, **options: Json) -> Answer:
        """Call the app."""
        return await self._request(method, self.url + path, **options)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a bare connection to the host, for what no client would send."""
        address = urlsplit(self.url)
        return await asyncio.open_connection(address.hostname, address.port)

    async def create(self, **options: Json) -> Answer:
        """Call create with whatever a test likes."""
        return await self.call("POST", "/sessions", **{"headers": FUNCTION_KEY, **options})

    async def start(self, **fields: object) -> Check:
        """Start a check without verify."""
        person = {"deviceCorrelationId": secrets.token_hex(8)}
        return check_of(await self.create(json={**person, **fields}))

    async def start_with_verify(self, image: bytes | None = None, **fields: str) -> Check:
        """Start a check that also verifies who it is."""
        return check_of(await self.create(data=form(image or picture(), **fields)))

    async def status(self, check: Check) -> Answer:
        """Ask as the frontend."""
        return await self.call("GET", f"/sessions/{check.session_id}", headers=check.token)

    async def complete(self, check: Check, body: Json = None) -> Answer:
        """Report as the frontend; without a body unless one is given."""
        path = f"/sessions/{check.session_id}/complete"
        return await self.call("POST", path, headers=check.token, json=body)

    async def cancel(self, check: Check) -> Answer:
        """Give up as the frontend."""
        return await self.call("DELETE", f"/sessions/{check.session_id}", headers=check.token)

    async def result(self, check: Check) -> Answer:
        """Ask as the server."""
        path = f"/sessions/{check.session_id}/result"
        return await self.call("GET", path, headers=FUNCTION_KEY)

    async def consume(self, check: Check, consumer: str) -> Answer:
        """Make use of a result, as the server."""
        path, body = f"/sessions/{check.session_id}/result/consume", {"consumer": consumer}
        return await self.call("POST", path, headers=FUNCTION_KEY, json=body)

    async def forge(self, check: Check, **columns: str) -> None:
        """Write to a session's row as somebody else might."""
        await self.table.update_entity({**await self.row(check), **columns})

    async def verdict(self, check: Check) -> tuple[str, str | None, list[str]]:
        """Return status, outcome and reasons."""
        body = (await self.result(check)).body
        return body["status"], body["outcome"], body["reasons"]

    @property
    def sealer(self) -> Sealer:
        """Seal and hash as the app does."""
        return sealer_of(self.stack.state)

    # What the device, Face, the vault and time do.

    async def play(self, check: Check, outcome: str, **more: object) -> Json:
        """Play the device once."""
        bearer = {"Authorization": f"Bearer {check.auth_token}"}
        answer = await self.face("attempts", {"outcome": outcome, **more}, headers=bearer)
        return json.loads(answer.text)

    async def face(self, control: str, body: Json = None, **options: Json) -> Answer:
        """Use a control of the Face simulator."""
        url = f"{self.stack.face_url}/simulator/{control}"
        answer = await self._request("POST", url, json=body, **options)
        assert answer.status < 300, answer
        return answer

    async def fail(self, operation: str, times: int = 1, **fault: object) -> None:
        """Make the next calls fail."""
        self.has_failed_calls = True
        await self.face("faults", {"operation": operation, "times": times, **fault})

    async def clear_faults(self) -> None:
        """End all faults."""
        await self._request("DELETE", f"{self.stack.face_url}/simulator/faults")

    async def face_calls(self) -> list[tuple[str, int]]:
        """List every call that Face has had, as method and status."""
        answer = await self._request("GET", f"{self.stack.face_url}/simulator/requests")
        return [(call["method"], call["status"]) for call in answer.body]

    async def at_face(self) -> set[str]:
        """List the sessions that Face still keeps, by Face's ids."""
        answer = await self._request("GET", f"{self.stack.face_url}/simulator/sessions")
        return {session["sessionId"] for session in answer.body}

    async def wait(self, seconds: float) -> None:
        """Turn the stack's clock on."""
        await self.face("clock", {"advanceSeconds": seconds})

    async def sweep(self) -> None:
        """Run the timer's function as an operator would, and wait for its end."""
        lines = AppLines(self.stack.log)
        before = lines.size
        url = f"{self.url.removesuffix('/api')}/admin/functions/sweep_stale_sessions"
        answer = await self._request("POST", url, headers=MASTER_KEY, json={})
        assert answer.status == 202, answer
        await lines.wait_for("sweep ended", since=before, seconds=PATIENCE_SECONDS)

    # What lies in Storage.

    async def row(self, check: Check) -> dict[str, Any]:
        """Read a session's row."""
        return dict(await self.table.get_entity(check.session_id[0], f"session-{check.session_id}"))

    async def rows(self) -> list[dict[str, Any]]:
        """Read the whole table."""
        return [dict(row) async for row in self.table.list_entities()]

    async def delete_rows(self) -> None:
        """Empty the table."""
        keys = [row async for row in self.table.list_entities(select=["PartitionKey", "RowKey"])]
        for _, rows in groupby(keys, itemgetter("PartitionKey")):
            for some in batched(rows, 100, strict=False):
                await self.table.submit_transaction([("delete", row) for row in some])

    async def alarms(self, check: Check) -> list[str]:
        """List the keys of a session's alarms: there should be one."""
        keys = [row["RowKey"] for row in await self.rows()]
        return [key for key in keys if key.startswith("alarm-") and check.session_id in key]

    async def messages(self) -> int:
        """Count the messages, visible or not."""
        return (await self.queue.get_queue_properties()).approximate_message_count or 0

    async def poison(self) -> int:
        """Count the messages that were set aside for good."""
        storage = self.stack.settings["AzureWebJobsStorage"]
        name = f"{QUEUE_NAME}-poison"
        async with QueueClient.from_connection_string(storage, name) as queue:
            return (await queue.get_queue_properties()).approximate_message_count or 0

    async def send(self, text: str) -> None:
        """Put a message on the queue as the platform does, base64."""
        await self.queue.send_message(base64.b64encode(text.encode()).decode())

    async def picture(self, session_id: str) -> bytes | None:
        """Read what is kept of a session's picture, past the app."""
        storage = self.stack.settings["AzureWebJobsStorage"]
        blob = BlobClient.from_connection_string(storage, CONTAINER_NAME, session_id)
        async with blob:
            if not await blob.exists():
                return None
            return await (await blob.download_blob()).readall()

    async def _request(self, method: str, url: str, **options: Json) -> Answer:
        async with self.http.request(method, url, **options) as response:
            content = await response.read()
            return Answer(status=response.status, headers=response.headers, content=content)


async def eventually(fact: Callable[[], Awaitable[object]], expected: object) -> None:
    """Wait until a fact is what is expected, and fail with what it is if it does not become so."""
    found: object = None
    for _ in range(PATIENCE_SECONDS * 10):
        found = await fact()
        if found == expected:
            return
        await asyncio.sleep(0.1)
    assert found == expected


def picture(size: int = 4096) -> bytes:
    """Make bytes that begin as a JPEG does."""
    return b"\xff\xd8\xff\xe0" + secrets.token_bytes(size - 4)


def form(image: bytes, name: str = "me.jpg", **fields: str) -> aiohttp.FormData:
    """Make the multipart form that starts a check with verify."""
    data = aiohttp.FormData({"deviceCorrelationId": secrets.token_hex(8)} | fields)
    data.add_field("verifyImage", BytesIO(image), filename=name)
    return data


def check_of(answer: Answer) -> Check:
    """Read what a create handed out."""
    assert answer.status == 201, answer
    body = answer.body
    return Check(
        session_id=body["sessionId"],
        auth_token=body["authToken"],
        session_token=body["sessionToken"],
        started=body,
    )
