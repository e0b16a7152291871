"""Is this image one that Face will take."""

from shared.errors import InvalidImageError, InvalidImageSizeError

# https://learn.microsoft.com/azure/ai-services/computer-vision/identity-detect-faces#input-requirements
MIN_BYTES = 1024
MAX_BYTES = 6 * 1024 * 1024

_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
# A BMP's two letters also begin many a text, so the length of its second header is looked at too.
# https://learn.microsoft.com/windows/win32/gdi/bitmap-header-types
_BMP_HEADER_LENGTHS = {12, 16, 40, 52, 56, 64, 108, 124}


def check(image: bytes) -> None:
    """Refuse an image that Face would not take: by size, then by content, never by name."""
    if not MIN_BYTES <= len(image) <= MAX_BYTES:
        raise InvalidImageSizeError(
            "verifyImage must have between 1 KB and 6 MB", target="verifyImage"
        )
    if not (image.startswith(_SIGNATURES) or _is_bmp(image)):
        raise InvalidImageError("verifyImage must be a JPEG, PNG, GIF or BMP", target="verifyImage")


def _is_bmp(image: bytes) -> bool:
    return image.startswith(b"BM") and int.from_bytes(image[14:18], "little") in _BMP_HEADER_LENGTHS
