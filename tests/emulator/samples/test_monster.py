"""The two sample frames: pictures of one size, and not the same one."""

import io

from PIL import Image

from lib.emulator.samples import monster


def test_they_are_two_pictures_that_make_a_film():
    with (
        Image.open(io.BytesIO(monster.first())) as first,
        Image.open(io.BytesIO(monster.last())) as last,
    ):
        assert first.size == last.size
        assert first.format == last.format == "PNG"
        assert first.tobytes() != last.tobytes()
