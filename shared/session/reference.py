"""Where the image comes from that a face is compared with."""

from enum import StrEnum


class ReferenceSource(StrEnum):
    """Who brings the image to verify against: your server, an earlier session, or the device."""

    SERVER = "server"
    SESSION = "session"
    CLIENT = "client"
