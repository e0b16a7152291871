"""What keeps the host, or one function of the app, from starting."""


class HostStartError(Exception):
    """The app, its host.json or its settings must change before the host can start."""


class IndexingError(Exception):
    """One function cannot be indexed: the real host switches it off, and runs the rest."""
