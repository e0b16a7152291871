import pytest

from shared.api import image_bytes
from shared.errors import InvalidImageError, InvalidImageSizeError

KIB = 1024
MIB = 1024 * 1024
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF"
PNG = b"\x89PNG\r\n\x1a\n"
BMP = b"BM" + b"\0" * 12 + (40).to_bytes(4, "little")


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(JPEG, id="JPEG"),
        pytest.param(PNG, id="PNG"),
        pytest.param(b"GIF87a", id="GIF-of-1987"),
        pytest.param(b"GIF89a", id="GIF-of-1989"),
        pytest.param(BMP, id="BMP"),
        pytest.param(BMP[:14] + (124).to_bytes(4, "little"), id="BMP-with-a-long-header"),
    ],
)
@pytest.mark.parametrize("size", [KIB, 6 * MIB], ids=["minimum", "maximum"])
def test_the_four_formats_are_known_by_their_content(start: bytes, size: int) -> None:
    image_bytes.check(start.ljust(size, b"\0"))


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"I am a text, whatever my name is.", id="text"),
        pytest.param(b"BMW is a make of cars. ", id="text-that-begins-like-a-BMP"),
        pytest.param(b"RIFF\0\0\0\0WEBPVP8 ", id="WebP"),
        pytest.param(b"II*\0", id="TIFF"),
        pytest.param(b"\0\0\0\x18ftypheic", id="HEIC"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'>", id="SVG"),
        pytest.param(b"%PDF-1.7", id="PDF"),
        pytest.param(b" " + PNG, id="PNG-after-a-blank"),
        pytest.param(b"\xff\xd8\x00", id="half-a-JPEG-signature"),
    ],
)
def test_any_other_content_is_no_image(start: bytes) -> None:
    with pytest.raises(InvalidImageError) as caught:
        image_bytes.check(start.ljust(2 * KIB))

    assert caught.value.target == "verifyImage"


@pytest.mark.parametrize("size", [0, KIB - 1, 6 * MIB + 1], ids=["empty", "too-small", "too-large"])
@pytest.mark.parametrize("start", [PNG, b"text"], ids=["PNG", "text"])
def test_size_is_looked_at_before_format(start: bytes, size: int) -> None:
    with pytest.raises(InvalidImageSizeError) as caught:
        image_bytes.check(start.ljust(size)[:size])

    assert caught.value.target == "verifyImage"
