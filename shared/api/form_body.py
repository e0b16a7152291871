"""A form's texts and files, read strictly, in memory and within bounds."""

from io import BytesIO
from typing import IO

from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import MultiPartParser

from shared.errors import InvalidRequestError, RequestTooLargeError

_MAX_PARTS = 8
# The parser holds one 64 KiB piece of a file at a time, and this bound counts that too.
_MAX_HELD_BYTES = 128 * 1024


def read(body: bytes, boundary: str) -> tuple[dict[str, str], dict[str, bytes]]:
    """Read multipart/form-data into texts and files, each under a name of its own."""
    texts, files = _parse(body, boundary)
    names = [name for part in (texts, files) for name, _ in part.items(multi=True)]
    if None in names or len(set(names)) != len(names):
        raise InvalidRequestError("each part must have a name of its own")
    return texts.to_dict(), {name: file.stream.read() for name, file in files.items()}


def _parse(body: bytes, boundary: str) -> tuple[MultiDict[str, str], MultiDict[str, FileStorage]]:
    parser = MultiPartParser(
        stream_factory=_in_memory, max_form_parts=_MAX_PARTS, max_form_memory_size=_MAX_HELD_BYTES
    )
    try:
        return parser.parse(BytesIO(body), boundary.encode(), len(body))
    except RequestEntityTooLarge as error:
        raise RequestTooLargeError("the multipart body has too many or too long parts") from error
    except ValueError as error:
        raise InvalidRequestError("the body is not whole multipart/form-data") from error


def _in_memory(*_: object, **__: object) -> IO[bytes]:
    # The parser's own choice spools large files to disk, where an image must never be.
    return BytesIO()
