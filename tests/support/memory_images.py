"""Pictures in memory; tests/contracts/test_image_store.py holds it to what Azurite does."""

from dataclasses import dataclass, field

from shared.session.ids import SessionId
from tests.support.faults import Faults


@dataclass
class ImagesInMemory:
    """A place for pictures, one for each session."""

    images: dict[SessionId, bytes] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)

    async def insert(self, session_id: SessionId, image: bytes) -> None:
        await self.faults.carry("insert", lambda: self._insert(session_id, image))

    async def load(self, session_id: SessionId) -> bytes | None:
        return await self.faults.carry("load", lambda: self._load(session_id))

    async def delete(self, session_id: SessionId) -> None:
        await self.faults.carry("delete", lambda: self._delete(session_id))

    async def _insert(self, session_id: SessionId, image: bytes) -> None:
        self.images.setdefault(session_id, image)

    async def _load(self, session_id: SessionId) -> bytes | None:
        return self.images.get(session_id)

    async def _delete(self, session_id: SessionId) -> None:
        self.images.pop(session_id, None)
