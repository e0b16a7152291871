"""Face changes its models by itself: operators learn of each that a process meets first."""

import logging
from dataclasses import dataclass, field
from typing import Unpack

from shared.flow.ports import LogEvent
from shared.telemetry import LogFields


@dataclass(frozen=True, slots=True)
class ModelWatch:
    """Logs what it is given, and one line more where that names a model for the first time."""

    log: LogEvent
    _seen: set[str] = field(default_factory=set, init=False)

    def __call__(
        self, event: str, /, *, level: int = logging.INFO, **fields: Unpack[LogFields]
    ) -> None:
        """Log one event."""
        if level == logging.INFO:
            self.log(event, **fields)
        else:
            self.log(event, level=level, **fields)
        version = fields.get("model_version")
        if version is not None and version not in self._seen:
            self._seen.add(version)
            self.log("model first seen", model_version=version)
