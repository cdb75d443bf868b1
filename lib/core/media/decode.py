"""A picture decoded by Pillow within our memory, and encoded anew where it must change.

What the upstream would refuse is taken away here: an opaque alpha channel, a camera's orientation.
Never more than two whole pictures are alive. Refuses transparent pixels; whether a picture may be
decoded at all is judged by its head, in `frames`.
"""

from __future__ import annotations

import hashlib
import warnings
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from lib.core.errors import ApiError, FrameFault, invalid_frame
from lib.core.frame_source import FRAME_AT_MOST

if TYPE_CHECKING:
    # _typeshed exists for type checkers only
    from _typeshed import ReadableBuffer
    from PIL.Image import Image, Transpose

    from lib.core.media.headers import Head

KINDS = {
    "JPEG": ("image/jpeg", "jpg"),
    "MPO": ("image/jpeg", "jpg"),  # what many phones call a JPEG with a second picture behind it
    "PNG": ("image/png", "png"),
    "BMP": ("image/bmp", "bmp"),
    "WEBP": ("image/webp", "webp"),
}
TURNED_AT_MOST = 16_000_000  # pixels of a JPEG that is decoded to be turned: two copies of it
QUALITIES = (95, 85, 70)
STRIP = 256  # rows


@dataclass(frozen=True)
class Frame:
    """A picture that the upstream will take.

    Attributes:
        data: encoded, upright, without alpha and without what a file says beside its pixels.
        mime: its type.
        ext: a file ending.
        width: pixels.
        height: pixels.
    """

    data: bytes
    mime: str
    ext: str
    width: int
    height: int

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


def refused(param: str, fault: FrameFault, text: str) -> ApiError:
    """The refusal of a picture: its field, then what was got and what is allowed."""
    return invalid_frame(param, fault, f"{param}: {text}.")


def loaded(data: bytes, head: Head, orientation: int) -> Image:
    """A picture with its pixels; a JPEG at an eighth, or at a scale that can be turned.

    All of a JPEG is read and unpacked at every scale, and a film has 2 million pixels.

    Args:
        data: the file without texts and EXIF: what a decoder has no use for, it is not given.
        head: of that file.
        orientation: 1 to 8, as EXIF counts.
    """
    from PIL import Image as pillow  # noqa: N813 - only a request with a frame needs it

    # What it thinks of a file is for us to say, in the answer; to the log it would be noise.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    image = pillow.open(BytesIO(data), formats=[head.kind])
    if image.size != (head.width, head.height) or image.format not in KINDS:
        raise ValueError("its head and its decoder disagree")
    if head.kind == "JPEG":
        pixels, scale = head.width * head.height, 8
        if orientation in _turns():
            scale = next(s for s in (1, 2, 4, 8) if pixels <= s * s * TURNED_AT_MOST)
        if scale > 1:
            image.draft(None, (head.width // scale, head.height // scale))
    image.load()
    return image


def _turns() -> dict[int, Transpose]:
    """What puts a picture of each orientation upright (Exif 2.3, 4.6.4); 1 is upright."""
    from PIL.Image import Transpose as T  # noqa: N817 - as in loaded

    return {
        2: T.FLIP_LEFT_RIGHT,
        3: T.ROTATE_180,
        4: T.FLIP_TOP_BOTTOM,
        5: T.TRANSPOSE,
        6: T.ROTATE_270,
        7: T.TRANSVERSE,
        8: T.ROTATE_90,
    }


def upright_and_opaque(image: Image, orientation: int, param: str) -> Image | None:
    """The picture without alpha and put upright; None when it is so already.

    Never more than two whole pictures are alive.

    Args:
        image: with its pixels.
        orientation: 1 to 8, as EXIF counts.
        param: the request field, for the refusal.
    """
    transparent = "A" in image.mode or "transparency" in image.info
    turn = _turns().get(orientation)
    if turn is None and not transparent:
        return None
    if transparent:
        image = image if image.mode == "RGBA" else image.convert("RGBA")
        if not _opaque(image):
            raise refused(
                param,
                FrameFault.TRANSPARENT,
                "got a picture with transparent pixels; allowed: opaque ones. Flatten it onto a "
                "background",
            )
    # Every browser canvas exports an alpha channel that is fully opaque.
    image = image if image.mode == "RGB" else image.convert("RGB")
    return image if turn is None else image.transpose(turn)


def _opaque(image: Image) -> bool:
    width, height = image.size
    strips = (image.crop((0, y, width, min(y + STRIP, height))) for y in range(0, height, STRIP))
    return all(strip.getchannel("A").getextrema() == (255, 255) for strip in strips)


def encoded(image: Image, head: Head) -> Frame:
    """A changed picture as a file: PNG where its source was lossless and the size allows it."""
    if head.kind in {"PNG", "BMP"}:
        file = _Small()
        with suppress(OverflowError):
            image.save(file, "PNG")
            return Frame(file.getvalue(), *KINDS["PNG"], *image.size)
    profile = image.info.get("icc_profile")
    for quality in QUALITIES:
        file = _Small()
        with suppress(OverflowError):
            image.save(file, "JPEG", quality=quality, icc_profile=profile)
            return Frame(file.getvalue(), *KINDS["JPEG"], *image.size)
    raise ValueError("no quality makes it small enough")


class _Small(BytesIO):
    """A file that grows to a frame's limit and no further."""

    def write(self, data: ReadableBuffer, /) -> int:
        if self.tell() + memoryview(data).nbytes > FRAME_AT_MOST:
            raise OverflowError
        return super().write(data)
