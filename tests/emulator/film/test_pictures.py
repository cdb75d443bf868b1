"""Encoded pictures in: what is none is refused."""

import pytest

from lib.emulator import film


def test_what_is_no_picture_is_refused():
    with pytest.raises(film.BadPicture):
        film.render(b"no picture", None, resolution="480P")
