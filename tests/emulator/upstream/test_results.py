"""Result links: signed, dead after a day, with the ranges of Object Storage Service."""

import pytest

DAY = 24 * 3600


@pytest.fixture
def link(emulated):
    return emulated.finished()["output"]["video_url"]


def film(emulated, link):
    return emulated.web.get(link).content


def test_a_film_as_a_whole(emulated, link):  # guide: MP4; a length to check against
    answer = emulated.web.get(link)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "video/mp4"
    assert int(answer.headers["Content-Length"]) == len(answer.content) > 10000
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.content[4:8] == b"ftyp"
    assert emulated.app.counts["result"] == 1


def test_head_tells_the_length_without_the_film(emulated, link):
    answer = emulated.web.head(link)
    assert answer.status_code == 200
    assert answer.content == b""
    assert int(answer.headers["Content-Length"]) == len(film(emulated, link))


def test_a_film_is_rendered_once_and_only_when_asked_for(emulated):
    url = emulated.finished()["output"]["video_url"]
    assert emulated.films == []
    assert film(emulated, url) == film(emulated, url)
    assert len(emulated.films) == 1


def test_the_link_stays_the_same_and_carries_its_end(emulated):  # reference
    task_id = emulated.create(pause_s=100)
    first, again = (emulated.get(task_id)["output"]["video_url"] for _ in range(2))
    assert first == again
    (task,) = emulated.app.tasks
    assert f"Expires={int(task.ended_at) + DAY}" in first
    assert first.startswith("http://upstream.test/results/")


def test_the_link_dies_after_a_day(emulated, link):  # guide
    (task,) = emulated.app.tasks
    emulated.clock.advance(task.ended_at + DAY - 1 - emulated.clock.now())
    assert emulated.web.get(link).status_code == 200
    emulated.clock.advance(2)
    answer = emulated.web.get(link)
    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/xml"
    assert "<Code>AccessDenied</Code><Message>Request has expired.</Message>" in answer.text


FORGED = {
    "another end": lambda url: url.replace("Expires=1", "Expires=2"),
    "no end": lambda url: url.replace("Expires", "Expired"),
    "another signature": lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"),
    "no signature": lambda url: url.partition("&")[0],
    "no query": lambda url: url.partition("?")[0],
    "an end that is no number": lambda url: url.replace("Expires=1", "Expires=x"),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_link_is_refused(emulated, link, case):
    forged = FORGED[case](link)
    assert forged != link
    answer = emulated.web.get(forged)
    assert answer.status_code == 403
    assert "SignatureDoesNotMatch" in answer.text


def test_a_link_opens_no_other_film(emulated, link):
    emulated.clock.advance(1)
    other = emulated.finished()["output"]["video_url"]
    swapped = other.partition("?")[0] + "?" + link.partition("?")[2]
    assert emulated.web.get(swapped).status_code == 403


@pytest.mark.parametrize("path", ["/results/", "/results/x.mp4", "/results/x/y.mp4"])
def test_what_is_no_film_is_404(emulated, path):
    assert emulated.web.get(f"http://upstream.test{path}").status_code == 404


def test_a_film_takes_reads_only(emulated, link):
    assert emulated.web.put(link, data=b"x").status_code == 405


# Range, bytes of a film of 1000, by default, with x-oss-range-behavior: standard. Source: oss.
RANGES = {
    "bytes=0-499": ((206, 0, 499), (206, 0, 499)),
    "bytes=500-999": ((206, 500, 999), (206, 500, 999)),
    "bytes=500-": ((206, 500, 999), (206, 500, 999)),
    "bytes=0-": ((206, 0, 999), (206, 0, 999)),
    "bytes=-1": ((206, 999, 999), (206, 999, 999)),
    "bytes=-1000": ((206, 0, 999), (206, 0, 999)),
    "bytes=0-499,600-700": ((206, 0, 499), (206, 0, 499)),
    "bytes=0-1000": (200, (206, 0, 999)),
    "bytes=-2000": (200, (206, 0, 999)),
    "bytes=1000-": (200, 416),
    "bytes=1000-2000": (200, 416),
    "bytes=500-400": (200, 416),
    "bytes=-0": (200, 416),
    "bytes=-": (200, 416),
    "byte=0-499": (200, 200),
    "bytes=a-b": (200, 200),
}


@pytest.mark.parametrize("standard", [False, True])
@pytest.mark.parametrize("asked", RANGES)
def test_ranges(make_emulated, asked, standard):
    emulated = make_emulated()
    whole = bytes(range(250)) * 4
    emulated.film = whole
    url = emulated.finished()["output"]["video_url"]
    more = {"x-oss-range-behavior": "standard"} if standard else {}
    answer = emulated.web.get(url, headers={"Range": asked, **more})
    expected = RANGES[asked][standard]
    if isinstance(expected, tuple):
        status, first, last = expected
        assert answer.content == whole[first : last + 1]
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/1000"
        assert answer.headers["Content-Length"] == str(last - first + 1)
    else:
        status = expected
        assert (answer.content == whole) is (status == 200)
        assert ("Content-Range" in answer.headers) is (status == 416)
    assert answer.status_code == status


def test_a_film_comes_together_from_its_parts(emulated, link):
    whole, found = film(emulated, link), b""
    while len(found) < len(whole):
        answer = emulated.web.get(link, headers={"Range": f"bytes={len(found)}-"}, stream=True)
        assert answer.status_code == 206
        found += next(answer.iter_content(3000))
    assert found == whole


def test_a_range_of_another_film_is_refused_where_its_validator_is_named(emulated, link):  # oss
    answer = emulated.web.get(link)
    tag, changed = answer.headers["ETag"], answer.headers["Last-Modified"]
    before = "Fri, 01 Jan 2010 00:00:00 GMT"
    part = {"Range": "bytes=100-"}
    for fits in ({"If-Match": tag}, {"If-Unmodified-Since": changed}, {"If-Range": '"other"'}):
        assert emulated.web.get(link, headers={**part, **fits}).status_code == 206
    for differs in ({"If-Match": '"other"'}, {"If-Unmodified-Since": before}):
        refused = emulated.web.get(link, headers={**part, **differs})
        assert refused.status_code == 412
        assert "<Code>PreconditionFailed</Code>" in refused.text


def test_a_film_may_come_slowly(emulated, link):
    whole, begun = film(emulated, link), emulated.clock.now()
    emulated.app.faults.add(operation="result", kind="slow", seconds=70.0, at=1000)
    answer = emulated.web.get(link, stream=True)
    body = answer.raw.read1(500)
    assert emulated.clock.now() - begun < 10
    assert body + answer.raw.read() == whole
    assert emulated.clock.now() - begun == pytest.approx(70, abs=7)
