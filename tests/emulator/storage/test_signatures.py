"""Signed links by the emulated clock, and what no link may do."""

import datetime as dt

from google.cloud.storage._signing import generate_signed_url_v4

URL = "http://storage.test"


def sign(emulated, name, expires=600):
    stamp = dt.datetime.fromtimestamp(emulated.clock.now(), dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    return generate_signed_url_v4(
        emulated.signer,
        resource=f"/home/{name}",
        expiration=expires,
        api_access_endpoint=URL,
        _request_timestamp=stamp,
    )


def test_a_link_dies_when_its_time_has_come(emulated):
    emulated.write("film")
    url = sign(emulated, "film")
    emulated.call("POST", "/emulator/clock", json={"advance_s": 600})
    assert emulated.web.get(url).status_code == 200
    emulated.clock.advance(1)
    answer = emulated.web.get(url)
    assert answer.status_code == 400
    assert "ExpiredToken" in answer.text


def test_a_link_of_the_future_is_refused_until_its_time(emulated):
    emulated.write("film")
    emulated.clock.advance(0)
    ahead = dt.datetime.fromtimestamp(emulated.clock.now() + 3600, dt.UTC)
    url = generate_signed_url_v4(
        emulated.signer,
        resource="/home/film",
        expiration=600,
        api_access_endpoint=URL,
        _request_timestamp=ahead.strftime("%Y%m%dT%H%M%SZ"),
    )
    assert emulated.web.get(url).status_code == 403
    emulated.clock.advance(3000)
    assert emulated.web.get(url).status_code == 200
