"""Which part of the stack listens where: nine ports in a row, all on 127.0.0.1."""

import atexit
import random
import socket
from collections.abc import Iterable
from dataclasses import dataclass

HOST = "127.0.0.1"
DEFAULT = 7071

_PARTS = (
    "Functions host",
    "Face simulator",
    "Key Vault simulator",
    "identity simulator",
    "Azurite's blobs",
    "Azurite's queues",
    "Azurite's tables",
    "events topic",
    "page",
)

# Below what Linux hands out to outgoing connections, so that nothing takes a port by accident.
_BASES = range(20_000, 32_000, len(_PARTS))
# A datagram socket on the first of the ports, which no part of the stack uses: only one process
# can have it, and it ends with its process.


class StackError(Exception):
    """The stack cannot start or go on; the message is one sentence for whoever started it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The nine ports, counted from the host's."""

    base: int

    @classmethod
    def free(cls) -> "Ports":
        """Find nine free ports in a row, and keep other stacks of this kind from them."""
        for base in random.sample(_BASES, k=len(_BASES)):
            ports = cls(base=base)
            if not ports.taken() and _reserve(base):
                return ports
        raise StackError("no nine free ports in a row were found")

    @property
    def host(self) -> int:
        """The Functions host's."""
        return self.base

    @property
    def face(self) -> int:
        """The Face simulator's, control routes included."""
        return self.base + 1

    @property
    def vault(self) -> int:
        """The Key Vault simulator's, https."""
        return self.base + 2

    @property
    def identity(self) -> int:
        """The managed-identity endpoint's."""
        return self.base + 3

    @property
    def blob(self) -> int:
        """Azurite's, for blobs."""
        return self.base + 4

    @property
    def queue(self) -> int:
        """Azurite's, for queues."""
        return self.base + 5

    @property
    def table(self) -> int:
        """Azurite's, for tables."""
        return self.base + 6

    @property
    def topic(self) -> int:
        """The events topic's."""
        return self.base + 7

    @property
    def page(self) -> int:
        """The page's, which plays your server and a frontend."""
        return self.base + 8

    def taken(self, *, beside_host: bool = False) -> list[str]:
        """Name every port that something else uses already, and what it would be for."""
        parts = list(enumerate(_PARTS, start=self.base))[beside_host:]
        return [f"port {port} ({part})" for port, part in parts if not _is_free(port)]

    def check(self, *, beside_host: bool = False) -> None:
        """Refuse to start on ports that something else uses."""
        taken = self.taken(beside_host=beside_host)
        if taken:
            way_out = "stop what uses it, or choose another --port, as in `make run PORT=8071`"
            raise StackError(f"{_list_of(taken)} taken: {way_out}")


def _reserve(base: int) -> bool:
    reservation = socket.socket(type=socket.SOCK_DGRAM)
    try:
        reservation.bind((HOST, base))
    except OSError:
        reservation.close()
        return False
    atexit.register(reservation.close)
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Without this, a port whose last connection has just closed would look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _list_of(taken: Iterable[str]) -> str:
    names = list(taken)
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"
