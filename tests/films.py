"""Small real films of kinds that nobody ordered, each encoded once, and hands that rebuild boxes."""

import functools
import struct
import tempfile
from pathlib import Path


@functools.cache
def fragmented(frames=150):
    """A film in fragments: an empty `moov`, then `moof` and `mdat` in turn."""
    import av  # only tests that need a film pay for it
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "film.mp4")
        flags = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
        with av.open(str(path), "w", options=flags) as container:
            stream = container.add_stream("libx264", rate=30, options={"g": "30"})
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for number in range(frames):
                pixels = np.full((48, 64, 3), number, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(stream.encode())
        return path.read_bytes()


def boxes(data):
    """The outermost boxes of a file: (kind, whole box)."""
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 8], data[at : at + size]
        at += size


def box(kind, body=b""):
    """A box."""
    return struct.pack(">I4s", len(body) + 8, kind) + body


def padded(film, size):
    """The same film with a `free` box behind it, so that it has so many bytes."""
    return film + box(b"free", bytes(range(256)) * ((size - len(film) - 8) // 256))
