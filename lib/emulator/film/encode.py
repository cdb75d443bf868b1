"""Pictures into an MP4: libx264 through PyAV, tagged BT.709, index in front, no sound.

Owns the container's timing: one tick of 1/30 s a picture from 0, so 150 pictures last exactly
5.000 s, and bytes that depend on nothing but the pictures (one encoder thread: with two, x264's
output was seen to vary).
"""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av

from lib.emulator.film.effort import FPS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from lib.emulator.film.effort import Effort

    Array = NDArray[Any]

ENCODER = "libx264"
_BT709 = 1  # primaries, transfer and matrix share this number (ITU-T H.273)
_LIMITED = 1  # FFmpeg's AVCOL_RANGE_MPEG


def encode(pictures: Iterable[Array], size: tuple[int, int], effort: Effort) -> bytes:
    """The film's bytes from NV12 arrays.

    Args:
        pictures: in order, each of (height * 3 / 2, width) bytes.
        size: width and height, pixels.
        effort: preset and quality of the encoder.
    """
    with tempfile.TemporaryDirectory(prefix="film-") as folder:
        # The index moves to the front in a second pass over a file.
        path = Path(folder) / "film.mp4"
        options = {"movflags": "+faststart", "fflags": "+bitexact"}
        with av.open(str(path), "w", format="mp4", options=options) as container:
            stream = _stream(container, size, effort)
            for index, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(picture, format="nv12")
                frame.pts, frame.time_base = index, Fraction(1, FPS)
                frame.colorspace, frame.color_range = _BT709, _LIMITED
                _put(container, stream.encode(frame))
            _put(container, stream.encode(None))
        return path.read_bytes()


def _stream(container: Any, size: tuple[int, int], effort: Effort) -> Any:
    stream = container.add_stream(ENCODER, rate=FPS)
    stream.width, stream.height = size
    stream.pix_fmt = "nv12"  # x264 takes it as it is; players see yuv420p
    stream.time_base = stream.codec_context.time_base = Fraction(1, FPS)
    stream.codec_context.thread_count = 1
    stream.codec_context.color_range = _LIMITED
    for tag in ("colorspace", "color_primaries", "color_trc"):
        setattr(stream.codec_context, tag, _BT709)
    stream.options = {"preset": effort.preset, "crf": str(effort.crf), "g": "60"}
    return stream


def _put(container: Any, packets: list[Any]) -> None:
    for packet in packets:
        packet.duration = 1
        container.mux(packet)
