"""Films in fragments: whole ones pass, and a missing picture is noticed."""

import pytest

from lib.core.media.mp4 import NotTheFilm, Probe, differences
from tests import films

SIZE = (64, 48)


def judge(data, step=1 << 16):
    probe = Probe()
    for at in range(0, len(data), step):
        probe.feed(data[at : at + step])
    return probe.film()


@pytest.mark.parametrize("step", [7, 1 << 20])
def test_a_film_in_fragments_is_whole(step):
    film = judge(films.fragmented(), step)
    assert (film.samples, film.width, film.height) == (150, 64, 48)
    assert film.duration_s == pytest.approx(5.0, abs=0.01)
    assert differences(film, SIZE) == ()


def test_a_fragment_whose_pictures_are_missing_is_noticed():
    parts = list(films.boxes(films.fragmented()))
    last = max(at for at, (kind, _) in enumerate(parts) if kind == b"mdat")
    parts[last] = (b"mdat", films.box(b"mdat", b"1234"))
    with pytest.raises(NotTheFilm, match="pictures are missing"):
        judge(b"".join(whole for _, whole in parts))


def test_fragments_without_pictures_are_no_film():
    parts = [whole for kind, whole in films.boxes(films.fragmented()) if kind in {b"ftyp", b"moov"}]
    with pytest.raises(NotTheFilm, match="no pictures"):
        judge(b"".join(parts) + films.box(b"mdat", b"1234"))
