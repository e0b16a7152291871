"""A string that never prints itself."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    """A key or token; its value comes out only by asking for it."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """Return the value, for the one place that must send it."""
        return self._value

    def __reduce__(self) -> str:
        """Refuse to be written out."""
        raise TypeError("a secret is not written out")

    def __str__(self) -> str:
        """Say that it is a secret, and nothing of it."""
        return "Secret(***)"
