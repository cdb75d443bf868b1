"""Facts of a finished film, by films whose facts are known."""

import io

import pytest
from PIL import Image

from lib.emulator.film.inspection import contact_sheet, pictures, probe


def test_the_facts_of_a_film_are_told(make_film):
    facts = probe(make_film(60))
    assert (facts["codec"], facts["pix_fmt"]) == ("h264", "yuv420p")
    assert (facts["frames"], facts["fps"], facts["duration_s"]) == (60, 30.0, 2.0)
    assert (facts["width"], facts["height"]) == (64, 48)


@pytest.mark.parametrize("audio", [True, False])
@pytest.mark.parametrize("faststart", [True, False])
def test_sound_and_the_place_of_the_index_are_noticed(make_film, audio, faststart):
    facts = probe(make_film(30, audio=audio, faststart=faststart))
    assert (facts["audio"], facts["faststart"]) == (audio, faststart)


def test_all_pictures_come_out_in_their_order(make_film):
    shown = [float(picture.mean()) for picture in pictures(make_film(100))]
    assert len(shown) == 100
    assert shown[99] > shown[50] > shown[0]


def test_a_sheet_has_the_first_and_the_last_picture(make_film):
    data = contact_sheet(make_film(100), 4, columns=2, width=64)
    with Image.open(io.BytesIO(data)) as sheet:
        assert sheet.size == (2 * 64 + 6, 2 * 48 + 6)
        first, last = sheet.getpixel((5, 5))[0], sheet.getpixel((64 + 6 + 5, 48 + 6 + 5))[0]
    assert first < 10
    assert last == pytest.approx(99, abs=8)
