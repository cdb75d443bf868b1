"""Who may call an emulator: this machine under all its names, and whoever was named."""

import pytest
from werkzeug.test import Client

from lib.emulator.callers import Callers

OURS = ["localhost", "localhost:8080", "a.localhost:1", "127.0.0.1:9", "[::1]:9", "LOCALHOST", ""]
FOREIGN = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::2]"]


@pytest.mark.parametrize("host", OURS)
def test_this_machine_may_call(host):
    assert Callers().refusal(host, "") == ""


@pytest.mark.parametrize("host", FOREIGN)
def test_another_host_is_told_what_allows_it(host):
    assert "--allow-host" in Callers().refusal(host, "")
    assert Callers(hosts=(host,)).refusal(f"{host.upper()}:8080", "") == ""


@pytest.mark.parametrize("origin", ["http://localhost:5173", "https://127.0.0.1", "http://[::1]:3"])
def test_a_page_of_this_machine_may_call(origin):
    assert Callers().refusal("localhost", origin) == ""


@pytest.mark.parametrize("origin", ["null", "http://evil.example", "http://[::1", "file://"])
def test_another_page_is_told_what_allows_it(origin):
    assert "--allow-origin" in Callers().refusal("localhost", origin)
    assert Callers(origins=(origin,)).refusal("localhost", origin) == ""
    assert Callers(origins=("*",)).refusal("localhost", origin) == ""


def test_an_app_behind_it_is_not_even_asked():
    asked = []

    def app(_environ, start_response):
        asked.append(True)
        start_response("200 OK", [])
        return [b"in"]

    client = Client(Callers().only(app))
    refused = client.get("/", headers={"Host": "evil.example"})
    assert (refused.status_code, refused.get_json()["error"]["code"], asked) == (403, 403, [])
    assert client.get("/", headers={"Host": "localhost"}).data == b"in"
