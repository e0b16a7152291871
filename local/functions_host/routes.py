"""Route templates, matched as the real host matches them. No I/O here.

Only what this app's routes use: literal segments, `{p}`, and a last `{p?}`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from local.functions_host.start_error import HostStartError

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(\?)?\}")
_LITERAL = re.compile(r"[^{}?*]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    text: str
    is_parameter: bool = False
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A parsed template."""

    segments: tuple[_Segment, ...]

    def match(self, path: str) -> Mapping[str, str] | None:
        """Return the route values, or None when the path is another's."""
        given = path_segments(path)
        required = sum(not segment.is_optional for segment in self.segments)
        if not required <= len(given) <= len(self.segments):
            return None
        pairs = list(zip(self.segments, given, strict=False))
        return dict(_values(pairs)) if all(_fits(*pair) for pair in pairs) else None


def parse_route(template: str) -> Route:
    """Parse a template, its prefix included; one that is not understood stops the start."""
    texts = [text for text in template.strip("/").split("/") if text]
    segments = tuple(_parse_segment(text, template) for text in texts)
    if any(segment.is_optional for segment in segments[:-1]):
        raise HostStartError(f"route '{template}': only the last segment may be optional")
    return Route(segments=segments)


def path_segments(path: str) -> list[str]:
    """Split a decoded path; one slash at its end is forgiven."""
    inner = path.removeprefix("/").removesuffix("/")
    return inner.split("/") if inner else []


def _parse_segment(text: str, template: str) -> _Segment:
    if found := _PARAMETER.fullmatch(text):
        return _Segment(text=found[1], is_parameter=True, is_optional=bool(found[2]))
    if _LITERAL.fullmatch(text):
        return _Segment(text=text)
    raise HostStartError(f"route '{template}': this host does not know the segment '{text}'")


def _fits(segment: _Segment, given: str) -> bool:
    return bool(given) if segment.is_parameter else segment.text.lower() == given.lower()


def _values(pairs: list[tuple[_Segment, str]]) -> Iterator[tuple[str, str]]:
    return ((segment.text, given) for segment, given in pairs if segment.is_parameter)
