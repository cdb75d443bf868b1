"""What a frame must be, judged by its content: kind, sides, size, alpha, and that it decodes.

The upstream refuses alpha and odd kinds only after minutes; here it is said before anything is
paid. Sources of the bounds: Model Studio, API reference of the kf2v models (JPEG, JPG, PNG without
alpha, BMP, WEBP; sides 240 to 8000 pixels; 10 MB). A picture of 8000x8000 is 256 MB when decoded,
so that the head is judged first, and what needs more than `DECODED_AT_MOST` is refused.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from lib.core.errors import ApiError, FrameFault, invalid_frame
from lib.core.media import png
from lib.core.media.headers import Head, sniff
from lib.core.request import FRAME_AT_MOST, too_large

if TYPE_CHECKING:
    # _typeshed exists for type checkers only
    from _typeshed import ReadableBuffer
    from PIL.Image import Image

SIDE_AT_LEAST, SIDE_AT_MOST = 240, 8000
KINDS = {
    "JPEG": ("image/jpeg", "jpg"),
    "MPO": ("image/jpeg", "jpg"),  # what many phones call a JPEG with a second picture behind it
    "PNG": ("image/png", "png"),
    "BMP": ("image/bmp", "bmp"),
    "WEBP": ("image/webp", "webp"),
}
ALLOWED = "JPEG, PNG, BMP or WEBP"
COLOURS = frozenset({"RGB", "grey", "palette"})
BITS_AT_MOST = 8
SCANS_AT_MOST = 40  # a progressive JPEG has about ten; each costs a walk over the whole picture
DECODED_AT_MOST = 160_000_000  # bytes; see the README for the sum that this is a part of
TURNED_AT_MOST = 16_000_000  # pixels of a JPEG that is decoded to be turned: two copies of it
# Bytes a pixel at the peak, measured: two copies of four; WEBP's decoder keeps two more and a text
# of bytes; BMP's pixels lie in the file; a JPEG is decoded at an eighth of its sides.
COSTS = {"PNG": 8.0, "WEBP": 17.0, "BMP": 1.0, "JPEG": 1.0}
QUALITIES = (95, 85, 70)
STRIP = 256  # rows
ORIENTATION = 0x0112  # the EXIF tag
SHAPE_TOLERANCE = 0.02


@dataclass(frozen=True)
class Frame:
    """A picture that the upstream will take.

    Attributes:
        data: encoded, upright and without alpha.
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


def check(data: bytes, param: str) -> Frame:
    """Judge a picture.

    Its head is judged before anything is decoded, and what cannot be decoded within
    `DECODED_AT_MOST` bytes is refused.

    Args:
        data: the encoded picture as it came.
        param: the request field, for the refusal.

    Returns:
        The frame; encoded anew where an opaque alpha channel had to go or a camera's orientation
        had to be applied.

    Raises:
        ApiError: `invalid_frame`, saying what was got, what is allowed and what to do.
    """
    if not data:
        raise _refused(param, FrameFault.UNREADABLE, f"got an empty file; allowed: {ALLOWED}")
    if len(data) > FRAME_AT_MOST:
        raise too_large(param)
    head = _head(data, param)
    _judge(head, param)
    if head.kind == "PNG":
        _verify(data, param)
        if not head.transparent and not png.turned(data):
            return Frame(data, *KINDS["PNG"], head.width, head.height)
    _affordable(head, param)
    changed = _decoded(data, head, param)
    if changed is None:
        return Frame(data, *KINDS[head.kind], head.width, head.height)
    try:
        return _encoded(changed, head)
    except ValueError:
        raise too_large(param) from None


def _head(data: bytes, param: str) -> Head:
    try:
        head = sniff(data)
    except ValueError as reason:
        raise _refused(
            param,
            FrameFault.UNREADABLE,
            f"got a picture that does not decode ({reason}); send the whole file",
        ) from None
    if head is None:
        raise _refused(
            param,
            FrameFault.UNREADABLE,
            f"got a file that is no picture we can read; allowed: {ALLOWED}",
        )
    return head


def _judge(head: Head, param: str) -> None:
    kind, sides, form = head.kind, (head.width, head.height), FrameFault.BAD_FORMAT
    if kind not in KINDS:
        raise _refused(param, form, f"got a {kind} file; allowed: {ALLOWED}. Convert it first")
    if head.animated:
        raise _refused(param, form, f"got an animated {kind}; allowed: one still picture")
    if head.bits > BITS_AT_MOST:
        text = f"got {head.bits} bits a channel; allowed: 8. Save it with 8 bits"
        raise _refused(param, form, text)
    if head.colours not in COLOURS:
        text = f"got {head.colours} colours; allowed: RGB or grey. Save it as plain RGB"
        raise _refused(param, form, text)
    if not all(SIDE_AT_LEAST <= side <= SIDE_AT_MOST for side in sides):
        raise _refused(
            param,
            FrameFault.BAD_SIDES,
            f"got {head.width}x{head.height} pixels; allowed: {SIDE_AT_LEAST} to {SIDE_AT_MOST} "
            "pixels a side. Resize it",
        )
    if head.scans > SCANS_AT_MOST:
        raise _refused(param, form, f"got a JPEG of {head.scans} scans; allowed: {SCANS_AT_MOST}")
    if head.packed:
        raise _refused(param, form, "got a compressed BMP; allowed: a plain one. Save it as PNG")


def _verify(data: bytes, param: str) -> None:
    try:
        png.verify(data)
    except png.Broken as reason:
        raise _refused(
            param,
            FrameFault.UNREADABLE,
            f"got a PNG that does not decode ({reason}); send the whole file",
        ) from None


def _affordable(head: Head, param: str) -> None:
    """Refuse what no memory of ours can hold decoded.

    A JPEG is decoded at a smaller scale, so that only what its decoder keeps counts.
    """
    each = COSTS[head.kind] + head.held
    most = int(DECODED_AT_MOST / each) if each else head.width * head.height
    if head.width * head.height <= most:
        return
    what = f"a {head.kind} with an alpha channel or EXIF" if head.kind == "PNG" else head.kind
    what = "a progressive JPEG of this colour resolution" if head.kind == "JPEG" else what
    raise _refused(
        param,
        FrameFault.BAD_SIDES,
        f"got {head.width}x{head.height} pixels; allowed for {what}: {most / 1e6:.1f} million "
        "pixels altogether. Resize it, or save it as a baseline JPEG",
    )


def _decoded(data: bytes, head: Head, param: str) -> Image | None:
    """Decode it to its end; the picture to be kept instead, or None when it may stay as it is."""
    try:
        # Handed on without a name: what is no longer needed is gone before the next copy.
        return _upright_and_opaque(_loaded(data, head), param)
    except ApiError:
        raise
    except Exception:  # noqa: BLE001 - decoders raise anything on hostile bytes
        raise _refused(
            param,
            FrameFault.UNREADABLE,
            "got a picture that breaks off or does not decode; send the whole file",
        ) from None


def _loaded(data: bytes, head: Head) -> Image:
    """A picture with its pixels; a JPEG at an eighth, or at a scale that can be turned.

    All of a JPEG is read and unpacked at every scale, and a film has 2 million pixels.
    """
    from PIL import Image as pillow  # noqa: N813, PLC0415 - only a request with a frame needs it

    file = BytesIO(png.bare(data) if head.kind == "PNG" else data)
    image = pillow.open(file, formats=[head.kind])
    if image.size != (head.width, head.height) or image.format not in KINDS:
        raise ValueError("its head and its decoder disagree")
    if head.kind == "JPEG":
        pixels, scale = head.width * head.height, 8
        if _turn(image):
            scale = next(s for s in (1, 2, 4, 8) if pixels <= s * s * TURNED_AT_MOST)
        if scale > 1:
            image.draft(None, (head.width // scale, head.height // scale))
    image.load()
    return image


def _turn(image: Image) -> int:
    """Which of Pillow's transpositions puts it upright, plus one; 0 for none."""
    from PIL.Image import Transpose as T  # noqa: N817, PLC0415 - as in _loaded

    table = {
        2: T.FLIP_LEFT_RIGHT,
        3: T.ROTATE_180,
        4: T.FLIP_TOP_BOTTOM,
        5: T.TRANSPOSE,
        6: T.ROTATE_270,
        7: T.TRANSVERSE,
        8: T.ROTATE_90,
    }
    found = table.get(image.getexif().get(ORIENTATION, 1))
    return 0 if found is None else int(found) + 1


def _upright_and_opaque(image: Image, param: str) -> Image | None:
    """The picture without alpha and without an orientation tag; None when it is so already.

    Never more than two whole pictures are alive.
    """
    from PIL.Image import Transpose  # noqa: PLC0415 - as in _loaded

    transparent, turn = "A" in image.mode or "transparency" in image.info, _turn(image)
    if not turn and not transparent:
        return None
    if transparent:
        image = image if image.mode == "RGBA" else image.convert("RGBA")
        if not _opaque(image):
            raise _refused(
                param,
                FrameFault.TRANSPARENT,
                "got a picture with transparent pixels; allowed: opaque ones. Flatten it onto a "
                "background",
            )
    # Every browser canvas exports an alpha channel that is fully opaque.
    image = image if image.mode == "RGB" else image.convert("RGB")
    return image.transpose(Transpose(turn - 1)) if turn else image


def _opaque(image: Image) -> bool:
    width, height = image.size
    strips = (image.crop((0, y, width, min(y + STRIP, height))) for y in range(0, height, STRIP))
    return all(strip.getchannel("A").getextrema() == (255, 255) for strip in strips)


def _encoded(image: Image, head: Head) -> Frame:
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


def _refused(param: str, fault: FrameFault, text: str) -> ApiError:
    return invalid_frame(param, fault, f"{param}: {text}.")


def warnings(first: Frame, last: Frame | None) -> tuple[str, ...]:
    """What the owner should know about a pair, as sentences."""
    if last is None:
        return ()
    ours, theirs = first.width / first.height, last.width / last.height
    if abs(ours - theirs) / ours <= SHAPE_TOLERANCE:
        return ()
    sizes = f"{last.width}x{last.height}", f"{first.width}x{first.height}"
    sentence = (
        f"last_frame is {sizes[0]} and first_frame {sizes[1]}, another shape. The film takes the "
        "shape of the first; the last is scaled and centre-cropped to it."
    )
    return (sentence,)
