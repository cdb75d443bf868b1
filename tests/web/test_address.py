"""Every address of ours in an answer leads back to us, however we were reached and whatever is claimed."""

import json
import os

import pytest
import requests
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from lib.cli import service as services
from lib.cli.processes import Processes
from lib.core.errors import ApiError
from lib.web.address import Address, base
from lib.web.auth import new_key
from tests.web.ways import (
    DOMAIN,
    FUNCTION,
    LIES,
    ON_GOOGLE,
    PREFIXED,
    WAYS,
    WITH_DOMAIN,
    Caller,
    walk,
)

FIELDS = {"Location", "servers", "docs", "upload_host"}


def caller(world, way, lies=None):
    def send(method, path, headers, body):
        with world.client.open(path, method=method, headers=headers, data=body) as answer:
            answer.get_data()
            return answer

    return Caller(way, send, lies)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_address_of_ours_leads_back(make_world, way):
    found = dict(walk(caller(make_world(env=way.env), way)))
    assert set(found) - {"docs, $URL"} == FIELDS
    public = way.env.get("PUBLIC_URL")
    if public:
        assert (found["servers"], found["docs, $URL"]) == (public, public)
        assert found["upload_host"] == f"{public}/api/v1/uploads"
    else:
        assert all(url.startswith(f"{way.url}/") for url in found.values() if url != way.url)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_anybody_can_claim_stands_in_no_answer(make_world, way):
    asking = caller(make_world(env=way.env), way, LIES)
    assert {name for name, _ in walk(asking)} >= FIELDS
    assert not [text for text in asking.texts if "evil" in text]


def test_with_a_public_url_the_host_of_a_request_decides_nothing(make_world):
    world = make_world(env=WITH_DOMAIN)
    for host in ("evil.example", "evil.cloudfunctions.net", "evil.example:443"):
        headers = {"Host": host, "X-Forwarded-Proto": "http"}
        assert world.client.get("/openapi.json", headers=headers).get_json()["servers"] == [
            {"url": DOMAIN}
        ]
        rules = world.client.get(
            "/api/v1/uploads?action=getPolicy&model=wan2.2-kf2v-flash", headers=headers
        )
        assert rules.get_json()["data"]["upload_host"] == f"{DOMAIN}/api/v1/uploads"
        assert "evil" not in world.client.get("/docs", headers=headers).text


@pytest.mark.parametrize("host", ["evil.example", "evil.cloudfunctions.net"])
def test_what_a_cache_may_keep_never_holds_the_host_of_a_request(make_world, host):
    world = make_world(env=ON_GOOGLE)
    for path in ("/openapi.json", "/docs"):
        answer = world.client.get(path, headers={"Host": host})
        assert "public" in answer.headers["Cache-Control"]
        assert "evil" not in answer.text
    private = world.client.get(
        "/api/v1/uploads?action=getPolicy&model=wan2.2-kf2v-flash", headers={"Host": host}
    )
    assert host in private.get_json()["data"]["upload_host"]
    assert private.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("host", ["", "evil.example/x?", "a b", "user@evil.example"])
def test_a_host_that_is_none_begins_no_link(make_world, host):
    key, stored = new_key()
    world = make_world(env={"AUTH": "on", "OWNER_KEYS": json.dumps({"ada": [stored]})})
    answer = world.client.get(
        "/api/v1/uploads?action=getPolicy&model=wan2.2-kf2v-flash",
        headers={"Host": host, "Authorization": f"Bearer {key}"},
    )
    assert answer.status_code == 400
    assert answer.get_json()["code"] == "InvalidParameter"
    assert "(Host)" in answer.get_json()["message"]  # in DashScope's words


def entered(address, path="/v1/videos", **headers):
    request = Request(EnvironBuilder(path=path, headers=headers).get_environ())
    address.enter(request)
    return request


@pytest.mark.parametrize(
    ("host", "proto", "local", "begins"),
    [
        ("a.run.app", "", False, "https://a.run.app"),
        ("a.run.app", "http", False, "https://a.run.app"),
        ("a.run.app:8443", "https", False, "https://a.run.app:8443"),
        ("127.0.0.1:8080", "", False, "http://127.0.0.1:8080"),
        ("[::1]:8080", "", False, "http://[::1]:8080"),
        ("localhost:8080", "https", False, "https://localhost:8080"),
        ("api:8080", "", True, "http://api:8080"),
        ("api:8080", "https, http", True, "https://api:8080"),
        ("1-x.cloudfunctions.net", "", False, "https://1-x.cloudfunctions.net/films-api"),
        (
            "x.cloudfunctions.net.evil.example",
            "",
            False,
            "https://x.cloudfunctions.net.evil.example",
        ),
    ],
)
def test_without_a_public_url_the_host_of_a_request_is_what_its_own_answer_names(
    host, proto, local, begins
):
    address = Address(service="films-api", local=local)
    assert base(entered(address, host=host, **{"X-Forwarded-Proto": proto})) == begins


@pytest.mark.parametrize("public", [f"{DOMAIN}/api", f"{DOMAIN}/v1", f"{DOMAIN}/api/v1"])
def test_a_prefix_that_looks_like_a_call_must_be_taken_away_in_front(public):
    address = Address(public_url=public)
    for path in ("/v1/videos", "/api/v1/tasks", "/api/v1/uploads"):
        assert entered(address, path, host="films.example.com").path == path


@pytest.mark.parametrize(
    ("path", "arrives"),
    [
        ("/films/v1/videos", "/v1/videos"),
        ("/films", "/"),
        ("/films/films/v1", "/films/v1"),
        ("/filmsv1/videos", "/filmsv1/videos"),
        ("/v1/films/videos", "/v1/films/videos"),
    ],
)
def test_a_prefix_is_taken_away_once_and_whole(path, arrives):
    assert entered(Address(public_url=PREFIXED), path, host="example.com").path == arrives


def test_an_error_that_no_link_can_be_made_of_says_what_to_do():
    with pytest.raises(ApiError, match="PUBLIC_URL"):
        base(entered(Address(), host=""))


def test_a_retry_s_location_leads_to_the_new_job(make_world):
    way = WAYS["cloudfunctions"]
    world = make_world(env=way.env)
    old = world.post(prompt="rain #internal").get_json()["id"]
    world.run()
    answer = caller(world, way).ask("POST", f"{FUNCTION}/v1/videos/{old}/retry")
    assert answer.headers["Location"] == f"/inbetween-api/v1/videos/{answer.get_json()['id']}"


SERVED = {
    "nobody-said": ("run-app", "cloudfunctions", "cloudfunctions-path-kept", "load-balancer"),
    "domain": ("domain-public", "run-app-beside-a-domain", "cloudfunctions-beside-a-domain"),
    "prefix": ("prefix-taken-away", "prefix-kept", "prefix-host-rewritten"),
}


@pytest.mark.slow
@pytest.mark.parametrize("names", SERVED.values(), ids=SERVED)
def test_a_real_process_says_the_same(names, tmp_path):
    with Processes(tmp_path / "logs", {**os.environ, **WAYS[names[0]].env}) as running:
        url = services.start(running, draft=True).url

        def send(method, path, headers, body):
            answer = requests.request(
                *(method, f"{url}{path}"),
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=60,
            )
            answer.get_json = answer.json
            return answer

        for name in names:
            assert WAYS[name].env == WAYS[names[0]].env
            assert {field for field, _ in walk(Caller(WAYS[name], send, LIES))} >= FIELDS
