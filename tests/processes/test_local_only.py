"""A service without keys on a laptop: no page of another machine reaches it or its emulators, by any name."""

import os
import socket

import pytest
import requests

from lib.cli import service as services
from lib.cli.processes import Processes
from lib.emulator.samples import monster

PATIENCE_S = 60
PARTS = ["api", "poll", "storage", "upstream"]
PATHS = {
    "api": ["/health", "/v1/videos", "/api/v1/tasks", "/docs"],
    "poll": ["/health", "/"],
    "storage": ["/storage/v1/b/inbetween/o", "/emulator", "/emulator/clock", "/storage/v1/b"],
    "upstream": ["/singapore/api/v1/tasks", "/emulator", "/emulator/faults"],
}
OURS = ["127.0.0.1", "localhost", "LOCALHOST", "app.localhost", "[::1]", "docker.example"]
FOREIGN = [
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "xlocalhost",
    "127.0.0.2",
]
OUR_PAGES = [
    "http://localhost:5173",
    "http://127.0.0.1:8080",
    "https://app.localhost",
    "https://app.example",
]
FOREIGN_PAGES = [
    "http://evil.example",
    "https://localhost.evil.example",
    "null",
    "http://[",
    "https://app.example.evil",
]


@pytest.fixture(scope="module")
def ports(tmp_path_factory):
    settings = {"ALLOWED_HOSTS": "docker.example", "ALLOWED_ORIGINS": "https://app.example"}
    with Processes(tmp_path_factory.mktemp("logs"), {**os.environ, **settings}) as running:
        found = services.start(running, draft=True).ports
        yield {
            "api": found.api,
            "poll": found.poll,
            "storage": found.storage,
            "upstream": found.storage + 1,
        }


def call(port, path, host, origin=None):
    """Status and text of a GET whose `Host` and `Origin` are as given."""
    more = f"Origin: {origin}\r\n" if origin else ""
    head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n"
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
        connection.sendall(head.encode())
        with connection.makefile("rb") as answer:
            status = int(answer.readline().split()[1])
            return status, answer.read().decode()


@pytest.mark.parametrize("part", PARTS)
def test_a_name_that_was_rebound_is_refused_and_says_what_to_set(ports, part):
    for path in PATHS[part]:
        for host in FOREIGN:
            status, text = call(ports[part], path, f"{host}:{ports[part]}")
            assert (path, host, status) == (path, host, 403)
            assert "ALLOWED_HOSTS" in text or "--allow-host" in text


@pytest.mark.parametrize("part", PARTS)
def test_a_page_of_another_machine_is_refused_and_says_what_to_set(ports, part):
    for path in PATHS[part]:
        for origin in FOREIGN_PAGES:
            status, text = call(ports[part], path, f"localhost:{ports[part]}", origin)
            assert (path, origin, status) == (path, origin, 403)
            assert "ALLOWED_ORIGINS" in text or "--allow-origin" in text


@pytest.mark.parametrize("part", PARTS)
def test_this_machine_its_pages_and_what_is_allowed_pass(ports, part):
    for path in PATHS[part]:
        for host in OURS:
            assert call(ports[part], path, f"{host}:{ports[part]}")[0] != 403
        for origin in OUR_PAGES:
            assert call(ports[part], path, f"localhost:{ports[part]}", origin)[0] != 403


def test_compat_paths_refuse_in_their_own_dialect(ports):
    text = call(ports["api"], "/api/v1/tasks", "evil.example")[1]
    assert '"request_id"' in text
    assert '"code"' in text
    assert '"type"' not in text


def test_a_foreign_page_orders_nothing(ports):
    files = {"first_frame": ("a", monster.first()), "last_frame": ("b", monster.last())}
    url = f"http://127.0.0.1:{ports['api']}/v1/videos"
    foreign = {"Origin": "http://evil.example"}
    answer = requests.post(url, files=files, headers=foreign, timeout=PATIENCE_S)
    assert answer.status_code == 403
    assert requests.get(url, timeout=PATIENCE_S).json()["data"] == []
