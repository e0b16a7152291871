"""Azurite, Microsoft's Storage emulator, as a child that ends with us and keeps its data."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from local.ports import HOST, Ports, StackError
from local.process import child_process
from local.process.child_process import Child

# Azurite's own, the same on every machine and no secret:
# https://learn.microsoft.com/azure/storage/common/storage-connect-azurite
_ACCOUNT = "devstoreaccount1"
_ACCOUNT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

_FOLDER = Path(__file__).parents[1] / "azurite"
_MAIN = _FOLDER / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
_START_SECONDS = 60

# When our end of its stdin closes, Azurite is asked to stop as by SIGTERM, and soon made to.
_ENDS_WITH_STDIN = """
process.stdin.resume().on("end", () => {
  process.kill(process.pid, "SIGTERM");
  setTimeout(() => process.exit(1), 8000).unref();
}).unref();
require(process.argv[1]);
"""


def connection_string(ports: Ports) -> str:
    """Say how to reach this Azurite, in Storage's own manner."""
    services = {"Blob": ports.blob, "Queue": ports.queue, "Table": ports.table}
    account = f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_ACCOUNT_KEY};"
    return account + "".join(
        f"{service}Endpoint=http://{HOST}:{port}/{_ACCOUNT};" for service, port in services.items()
    )


@contextlib.asynccontextmanager
async def run(ports: Ports, folder: Path) -> AsyncIterator[Child]:
    """Run Azurite with its data in this folder; the block begins when all three ports answer."""
    async with child_process.run("Azurite", _command(ports, folder), is_quiet=True) as child:
        await _wait_for_ports(child, (ports.blob, ports.queue, ports.table))
        yield child


def _command(ports: Ports, folder: Path) -> list[str]:
    node = shutil.which("node")
    if node is None:
        raise StackError("node is missing: Azurite, the Storage emulator, needs Node.js")
    if not _MAIN.exists():
        raise StackError("Azurite is not installed: run `make setup`")
    options = {
        "--location": str(folder),
        "--blobHost": HOST,
        "--queueHost": HOST,
        "--tableHost": HOST,
        "--blobPort": str(ports.blob),
        "--queuePort": str(ports.queue),
        "--tablePort": str(ports.table),
    }
    # The SDKs speak newer versions of the protocol than Azurite knows by name.
    flags = ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    given = [word for option in options.items() for word in option]
    return [node, "-e", _ENDS_WITH_STDIN, "--", str(_MAIN), *flags, *given]


async def _wait_for_ports(child: Child, ports: tuple[int, ...]) -> None:
    try:
        async with asyncio.timeout(_START_SECONDS):
            for port in ports:
                while not await _try_connect(port):
                    if child.exit_code is not None:
                        raise StackError("Azurite ended while it was starting")
                    await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise StackError(f"Azurite did not start within {_START_SECONDS} seconds") from error


async def _try_connect(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
