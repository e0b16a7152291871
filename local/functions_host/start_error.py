"""The one error with which the host refuses to start."""


class HostStartError(Exception):
    """The app, its host.json or its settings must change before the host can start."""
