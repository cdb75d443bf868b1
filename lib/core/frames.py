"""What a frame must be, judged by its content: kind, sides, size, alpha, and that it decodes.

The upstream refuses alpha and odd kinds only after minutes; here it is said before anything is
paid. Sources of the bounds: Model Studio, API reference of the kf2v models (JPEG, JPG, PNG without
alpha, BMP, WEBP; sides 240 to 8000 pixels; 10 MB). Pillow is imported only when a frame is looked
at.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from lib.core.errors import INVALID_FRAME, ApiError
from lib.core.request import FRAME_AT_MOST, too_large

if TYPE_CHECKING:
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
PLAIN_MODES = frozenset({"RGB", "L", "P", "1"})
DEEP_MODES = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
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

    Args:
        data: the encoded picture as it came.
        param: the request field, for the refusal.

    Returns:
        The frame; re-encoded as PNG where an opaque alpha channel had to go or a camera's
        orientation had to be applied.

    Raises:
        ApiError: `invalid_frame`, saying what was got, what is allowed and what to do.
    """
    if not data:
        raise _refused(param, f"got an empty file; allowed: {ALLOWED}")
    if len(data) > FRAME_AT_MOST:
        raise too_large(param)
    image = _opened(data, param)
    kind = _kind(image, param)
    _sides(image, param)
    _decoded(image, param)
    changed = _upright_and_opaque(image, param)
    mime, ext = KINDS[kind]
    if changed is None:
        return Frame(data, mime, ext, *image.size)
    file = BytesIO()
    changed.save(file, "PNG")
    if file.tell() > FRAME_AT_MOST:
        # Lossless no longer fits; the upstream compresses far harder than this.
        file = BytesIO()
        changed.save(file, "JPEG", quality=95)
        return Frame(file.getvalue(), "image/jpeg", "jpg", *changed.size)
    return Frame(file.getvalue(), "image/png", "png", *changed.size)


def _opened(data: bytes, param: str) -> Image:
    from PIL import Image as pillow  # noqa: N813, PLC0415 - only a request with a frame needs it

    try:
        return pillow.open(BytesIO(data))
    except pillow.DecompressionBombError:
        raise _refused(
            param, f"got a picture of far too many pixels; allowed: sides up to {SIDE_AT_MOST}"
        ) from None
    except Exception:  # noqa: BLE001 - decoders raise anything on hostile bytes
        raise _refused(
            param, f"got a file that is no picture we can read; allowed: {ALLOWED}"
        ) from None


def _kind(image: Image, param: str) -> str:
    kind = image.format or "unknown"
    if kind not in KINDS:
        raise _refused(param, f"got a {kind} picture; allowed: {ALLOWED}. Convert it first")
    if getattr(image, "n_frames", 1) > 1 and kind != "MPO":
        raise _refused(param, f"got an animated {kind}; allowed: one still picture")
    if image.mode in DEEP_MODES:
        raise _refused(param, "got 16 or more bits a channel; allowed: 8. Save it with 8 bits")
    if image.mode not in PLAIN_MODES | {"RGBA", "LA", "PA"}:
        raise _refused(param, f"got {image.mode} colours; allowed: RGB or grey. Save it as RGB")
    return kind


def _sides(image: Image, param: str) -> None:
    width, height = image.size
    if not all(SIDE_AT_LEAST <= side <= SIDE_AT_MOST for side in (width, height)):
        raise _refused(
            param,
            f"got {width}x{height} pixels; allowed: {SIDE_AT_LEAST} to {SIDE_AT_MOST} pixels a "
            "side. Resize it",
        )


def _decoded(image: Image, param: str) -> None:
    try:
        image.load()
    except Exception:  # noqa: BLE001 - decoders raise anything on hostile bytes
        raise _refused(
            param, "got a picture that breaks off or does not decode; send the whole file"
        ) from None


def _upright_and_opaque(image: Image, param: str) -> Image | None:
    """The picture without alpha and without an orientation tag; None when it is so already."""
    from PIL import ImageOps  # noqa: PLC0415 - as in _opened

    changed = None
    if image.getexif().get(ORIENTATION, 1) != 1:
        changed = ImageOps.exif_transpose(image)
    current = changed or image
    transparent = "A" in current.mode or "transparency" in current.info
    if not transparent:
        return changed.convert("RGB") if changed else None
    rgba = current.convert("RGBA")
    if rgba.getchannel("A").getextrema() != (255, 255):
        raise _refused(
            param,
            "got a picture with transparent pixels; allowed: opaque ones. Flatten it onto a "
            "background",
        )
    # Every browser canvas exports an alpha channel that is fully opaque.
    return rgba.convert("RGB")


def _refused(param: str, text: str) -> ApiError:
    return ApiError(INVALID_FRAME, f"{param}: {text}.", param)


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
