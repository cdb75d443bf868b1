"""Requests are counted by kind and logged without signatures."""

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


def test_requests_are_counted_and_logged_without_signatures(emulated):
    emulated.write("film")
    emulated.names()
    emulated.web.get(sign(emulated, "film"))
    counters = emulated.call("GET", "/emulator/counters").json()["counters"]
    assert counters == {"objects.insert": 1, "objects.list": 1, "xml.get": 1}
    rows = emulated.call("GET", "/emulator/requests").json()["requests"]
    assert [row["status"] for row in rows] == [200, 200, 200]
    assert rows[-1]["path"] == "/home/film"
    assert "Signature" not in str(rows)
