"""The emulator's own calls: the clock is moved, everything is reset, a foreign web page is refused."""


def test_the_clock_is_read_and_never_runs_back(emulated):
    now = emulated.call("GET", "/emulator/clock").json()["now"]
    assert now == emulated.clock.now()
    for wrong in (-1, "soon", None):
        answer = emulated.call("POST", "/emulator/clock", json={"advance_s": wrong})
        assert answer.status_code == 400
    assert emulated.clock.now() == now


def fault(emulated, **fields):
    answer = emulated.call("POST", "/emulator/faults", json=fields)
    assert answer.status_code == 200, answer.text


def report(emulated):
    return emulated.call("GET", "/emulator/faults").json()["faults"]


def test_reset_empties_everything(emulated):
    emulated.write()
    fault(emulated, status=500)
    answer = emulated.call("POST", "/upload/storage/v1/b/home/o?uploadType=resumable&name=x")
    assert answer.status_code == 500
    uri = emulated.call("POST", "/upload/storage/v1/b/home/o?uploadType=resumable&name=x").headers[
        "Location"
    ]
    emulated.call("POST", "/emulator/reset")
    assert emulated.names() == []
    assert report(emulated) == []
    assert emulated.web.put(uri, data=b"x").status_code == 404
    assert emulated.call("GET", "/emulator/counters").json()["counters"].keys() == {
        "objects.list",
        "uploads.send",
    }


def test_a_foreign_web_page_cannot_empty_the_buckets(emulated):
    emulated.write()
    origin = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    assert emulated.call("POST", "/emulator/reset", headers=origin).status_code == 403
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    preflight = emulated.call("OPTIONS", "/emulator/reset", headers=asked)
    assert "Access-Control-Allow-Origin" not in preflight.headers
    assert emulated.names() == ["object"]
