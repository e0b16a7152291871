"""The HTTP below Microsoft's clients of Storage: time-outs of ours, and no look at proxies.

With `use_env_settings`, its default, each request reads the environment's proxies and, in a thread
of its own, ~/.netrc: an eighth of a request's CPU, for what no Function app has.
"""

from azure.core.pipeline.transport import AioHttpTransport


def open_transport(timeout_seconds: float) -> AioHttpTransport:
    """Make what one client sends by; its connections stay open from one request to the next."""
    return AioHttpTransport(
        use_env_settings=False, connection_timeout=timeout_seconds, read_timeout=timeout_seconds
    )
