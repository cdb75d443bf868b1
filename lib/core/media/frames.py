"""What a frame must be, judged by its content: kind, sides, size, alpha, and that it decodes.

The upstream refuses alpha and odd kinds only after minutes; here it is said before anything is
paid. Sources of the bounds: Model Studio, API reference of the kf2v models (JPEG, JPG, PNG without
alpha, BMP, WEBP; sides 240 to 8000 pixels; 10 MB). A picture of 8000x8000 is 256 MB when decoded,
so that the head is judged first, and what needs more than `DECODED_AT_MOST` is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.core.errors import ApiError, FrameFault
from lib.core.frame_source import FRAME_AT_MOST, too_large
from lib.core.media import privacy
from lib.core.media.decode import KINDS, Frame, encoded, loaded, refused, upright_and_opaque
from lib.core.media.headers import Head, sniff

if TYPE_CHECKING:
    # _typeshed exists for type checkers only
    from PIL.Image import Image

    from lib.core.media.privacy import Bare

SIDE_AT_LEAST, SIDE_AT_MOST = 240, 8000
ALLOWED = "JPEG, PNG, BMP or WEBP"
COLOURS = frozenset({"RGB", "grey", "palette"})
BITS_AT_MOST = 8
SCANS_AT_MOST = 40  # a progressive JPEG has about ten; each costs a walk over the whole picture
DECODED_AT_MOST = 160_000_000  # bytes; a part of the sum in infra/docs/frames.md
# Bytes a pixel at the peak, measured: two copies of four; WEBP's decoder keeps two more and a text
# of bytes; BMP's pixels lie in the file; a JPEG is decoded at an eighth of its sides.
COSTS = {"PNG": 8.0, "WEBP": 17.0, "BMP": 1.0, "JPEG": 1.0}
SHAPE_TOLERANCE = 0.02


def check(data: bytes, param: str) -> Frame:
    """Judge a picture.

    Its head is judged before anything is decoded, and what cannot be decoded within
    `DECODED_AT_MOST` bytes is refused.

    Args:
        data: the encoded picture as it came.
        param: the request field, for the refusal.

    Returns:
        The frame without what its file says beside the pixels (`privacy`); encoded anew only where
        an opaque alpha channel had to go or a camera's orientation had to be applied.

    Raises:
        ApiError: `invalid_frame`, saying what was got, what is allowed and what to do.
    """
    if not data:
        raise refused(param, FrameFault.UNREADABLE, f"got an empty file; allowed: {ALLOWED}")
    if len(data) > FRAME_AT_MOST:
        raise too_large(param)
    head = _head(data, param)
    _judge(head, param)
    picture = _bare(data, head, param)
    upright = picture.orientation == privacy.UPRIGHT
    if head.kind == "PNG" and upright and not head.transparent:
        return Frame(picture.data, *KINDS["PNG"], head.width, head.height)
    _affordable(head, param)
    changed = _decoded(picture, head, param)
    if changed is None:
        return Frame(picture.data, *KINDS[head.kind], head.width, head.height)
    try:
        return encoded(changed, head)
    except ValueError:
        raise refused(
            param,
            FrameFault.TOO_LARGE,
            f"got {len(data)} bytes, which upright and opaque would be more than the allowed "
            f"{FRAME_AT_MOST}. Turn it and flatten it yourself, or send fewer pixels",
        ) from None


def _head(data: bytes, param: str) -> Head:
    try:
        head = sniff(data)
    except ValueError as reason:
        raise _undecodable(param, f"a picture that does not decode ({reason})") from None
    if head is None:
        raise refused(
            param,
            FrameFault.UNREADABLE,
            f"got a file that is no picture we can read; allowed: {ALLOWED}",
        )
    return head


def _bare(data: bytes, head: Head, param: str) -> Bare:
    try:
        return privacy.bare(data, head.kind)
    except ValueError as reason:
        what = "a PNG" if head.kind == "PNG" else "a picture"
        raise _undecodable(param, f"{what} that does not decode ({reason})") from None


def _undecodable(param: str, what: str) -> ApiError:
    return refused(param, FrameFault.UNREADABLE, f"got {what}; send the whole file")


def _judge(head: Head, param: str) -> None:
    kind, sides, form = head.kind, (head.width, head.height), FrameFault.BAD_FORMAT
    if kind not in KINDS:
        raise refused(param, form, f"got a {kind} file; allowed: {ALLOWED}. Convert it first")
    if head.animated:
        raise refused(param, form, f"got an animated {kind}; allowed: one still picture")
    if head.bits > BITS_AT_MOST:
        text = f"got {head.bits} bits a channel; allowed: 8. Save it with 8 bits"
        raise refused(param, form, text)
    if head.colours not in COLOURS:
        text = f"got {head.colours} colours; allowed: RGB or grey. Save it as plain RGB"
        raise refused(param, form, text)
    if not all(SIDE_AT_LEAST <= side <= SIDE_AT_MOST for side in sides):
        raise refused(
            param,
            FrameFault.BAD_SIDES,
            f"got {head.width}x{head.height} pixels; allowed: {SIDE_AT_LEAST} to {SIDE_AT_MOST} "
            "pixels a side. Resize it",
        )
    if head.scans > SCANS_AT_MOST:
        raise refused(param, form, f"got a JPEG of {head.scans} scans; allowed: {SCANS_AT_MOST}")
    if head.packed:
        raise refused(param, form, "got a compressed BMP; allowed: a plain one. Save it as PNG")


def _affordable(head: Head, param: str) -> None:
    """Refuse what no memory of ours can hold decoded.

    A JPEG is decoded at a smaller scale, so that only what its decoder keeps counts.
    """
    each = COSTS[head.kind] + head.held
    most = int(DECODED_AT_MOST / each) if each else head.width * head.height
    if head.width * head.height <= most:
        return
    what = "a PNG with alpha or an orientation" if head.kind == "PNG" else head.kind
    what = "a progressive JPEG of this colour resolution" if head.kind == "JPEG" else what
    raise refused(
        param,
        FrameFault.BAD_SIDES,
        f"got {head.width}x{head.height} pixels; allowed for {what}: {most / 1e6:.1f} million "
        "pixels altogether. Resize it, or save it as a baseline JPEG",
    )


def _decoded(picture: Bare, head: Head, param: str) -> Image | None:
    """Decode it to its end; the picture to be kept instead, or None when it may stay as it is."""
    turn = picture.orientation
    try:
        # Passed on without a name: what is no longer needed is gone before the next copy.
        return upright_and_opaque(loaded(picture.data, head, turn), turn, param)
    except ApiError:
        raise
    except Exception:  # noqa: BLE001 - decoders raise anything on hostile bytes
        raise _undecodable(param, "a picture that breaks off or does not decode") from None


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
