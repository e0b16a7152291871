from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from local.ports import Ports
from local.stack import simulators
from tests.support.face_calls import FaceCalls


@pytest.fixture
async def face(tmp_path: Path) -> AsyncIterator[FaceCalls]:
    ports = Ports.free()
    async with (
        simulators.run(ports, tmp_path),
        aiohttp.ClientSession() as http,
    ):
        yield FaceCalls(http=http, ports=ports)
