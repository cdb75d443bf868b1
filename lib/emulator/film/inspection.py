"""Facts of a finished film: what a player would find in it, and a sheet of its pictures.

Owns reading only; nothing here takes part in rendering.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

_GAP = 6  # pixels between two pictures of a sheet


def probe(mp4: bytes) -> dict[str, Any]:
    """Facts of a film: codec, pix_fmt, fps, frames, duration_s, width, height, audio, faststart."""
    with av.open(io.BytesIO(mp4)) as container:
        video = container.streams.video[0]
        context = video.codec_context
        frames = sum(1 for _ in container.decode(video))
        return {
            "codec": context.name,
            "profile": context.profile,
            "pix_fmt": context.pix_fmt,
            "fps": float(video.average_rate or 0),
            "frames": frames,
            "duration_s": float((video.duration or 0) * (video.time_base or 0)),
            "container_duration_s": (container.duration or 0) / av.time_base,
            "width": context.width,
            "height": context.height,
            "audio": bool(container.streams.audio),
            "colour": (context.color_primaries, context.color_trc, context.colorspace),
            "colour_range": context.color_range,
            "faststart": 0 < mp4.find(b"moov") < mp4.find(b"mdat"),
            "bytes": len(mp4),
        }


def pictures(mp4: bytes) -> list[Array]:
    """All pictures of a film as 8-bit BGR."""
    with av.open(io.BytesIO(mp4)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def contact_sheet(mp4: bytes, count: int, *, columns: int, width: int) -> bytes:
    """See `lib.emulator.film.contact_sheet`."""
    frames = pictures(mp4)
    chosen = [
        frames[round(position)] for position in np.linspace(0, len(frames) - 1, max(2, count))
    ]
    height = round(width * chosen[0].shape[0] / chosen[0].shape[1])
    shrunk = [cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in chosen]
    columns = columns or len(shrunk)
    rows = -(-len(shrunk) // columns)
    sheet = np.full(
        (rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, 3), 255, np.uint8
    )
    for index, picture in enumerate(shrunk):
        top, left = index // columns * (height + _GAP), index % columns * (width + _GAP)
        sheet[top : top + height, left : left + width] = picture
    done, data = cv2.imencode(".png", sheet)
    if not done:
        raise ValueError(f"a sheet of {sheet.shape} does not encode")
    return data.tobytes()
