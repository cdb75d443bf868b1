"""The world that tests live in: real flows and real clients over the emulators, on one moved clock."""

import functools
import gc
import os
import tempfile
from pathlib import Path

import pytest

os.environ["DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"] = "true"


# Files that take minutes begin first, so that no core waits for one of them at the end.
BEGIN_WITH = (
    "tests/processes",
    "tests/clients",
    "tests/deploy",
    "tests/browser",
    "tests/core/media/test_decode_pic",
)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: not item.nodeid.startswith(BEGIN_WITH))
    # Three thousand collected tests are no garbage: without this each full collection walks them all.
    gc.freeze()


@functools.cache
def film(frames=150, codec="libx264", *, audio=False, faststart=True):
    """A small real film of 64x48 pixels, encoded once for each set of options."""
    import av  # only tests that need a film pay for it
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "film.mp4")
        options = {"movflags": "+faststart"} if faststart else {}
        with av.open(str(path), "w", options=options) as container:
            stream = container.add_stream(codec, rate=30)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            if audio:
                sound = container.add_stream("aac", rate=44100)
                silence = av.AudioFrame.from_ndarray(
                    np.zeros((1, 1024), np.float32), "fltp", "mono"
                )
                silence.sample_rate = 44100
                container.mux(sound.encode(silence))
                container.mux(sound.encode())
            for number in range(frames):
                pixels = np.full((48, 64, 3), number, np.uint8)
                picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                container.mux(stream.encode(picture))
            container.mux(stream.encode())
        return path.read_bytes()


@pytest.fixture(scope="session")
def make_film():
    return film


@pytest.fixture
def make_world():
    from tests.world import World  # pure tests need no world

    return functools.partial(World, film)


@pytest.fixture
def world(make_world):
    return make_world()
