"""Plain Python stand-ins for the protobuf messages that azure-functions-runtime speaks.

The runtime only calls these names with keyword arguments and reads attributes back; a test holds
this list against its source. A name that is missing here is an error that says so.
"""

from typing import Any, NoReturn

_MISSING = "azure-functions-runtime wants protos.%s, which local/functions_host/protos.py lacks"


class Message:
    """Any message: the fields that it was given, and no others."""

    def __init__(self, **fields: object) -> None:
        """Take every keyword as a field."""
        self.__dict__.update(fields)

    # Any: what a field holds is known to the runtime, not to the type checker.
    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Refuse a field that was never set, by name."""
        raise AttributeError(f"{type(self).__name__} has no field {name!r}")

    def __repr__(self) -> str:
        """Name the message and its fields, without their values: they may be secret."""
        return f"{type(self).__name__}({', '.join(self.__dict__)})"


class TypedData(Message):
    """One value on its way in or out: exactly one field is set."""

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - protobuf's own spelling
        """Name the field that is set."""
        return next((name for name, value in self.__dict__.items() if value is not None), None)


class ParameterBinding(Message):
    """A named value; it always travels as data, never through shared memory."""

    def WhichOneof(self, _group: str) -> str:  # noqa: N802 - protobuf's own spelling
        """Name the field that is set."""
        return "data"


class StatusResult(Message):
    """How a request to the worker ended."""

    Failure = 0
    Success = 1
    Cancelled = 2


class BindingInfo(Message):
    """A binding; `in` and `string` are not read by the runtime."""

    out = 1
    inout = 2
    undefined = 0


class SameSite:
    """The values of a cookie's SameSite attribute."""

    Lax = 1
    Strict = 2
    ExplicitNone = 3


# `None` cannot be written as a name in a class body.
setattr(SameSite, "None", 0)


class RpcHttpCookie(Message):
    """A cookie on its way out."""

    SameSite = SameSite


class FunctionEnvironmentReloadResponse(Message):
    """Part of the contract; this host never specializes a placeholder."""


class FunctionLoadResponse(Message):
    """Always success: the runtime has loaded everything when it was initialized."""


class FunctionMetadataResponse(Message):
    """The functions that indexing found."""


class InvocationResponse(Message):
    """The result of one invocation."""


class NullableBool(Message):
    """A boolean that may be absent."""


class NullableDouble(Message):
    """A number that may be absent."""


class NullableString(Message):
    """A string that may be absent."""


class NullableTimestamp(Message):
    """A point in time that may be absent."""


class RpcException(Message):
    """An exception's message and stack trace."""


class RpcFunctionMetadata(Message):
    """One function: name, id and raw bindings."""


class RpcHttp(Message):
    """An HTTP request or response."""


class RpcRetryOptions(Message):
    """A function's retry policy."""


class Timestamp(Message):
    """Seconds since the epoch."""


class WorkerInitResponse(Message):
    """Whether the app could be imported and indexed."""


class WorkerMetadata(Message):
    """Which worker this is."""


def __getattr__(name: str) -> NoReturn:
    raise AttributeError(_MISSING % name)
