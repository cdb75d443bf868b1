"""CORS: allowed origins may call and read what they need; nobody else gets a single header."""

import json

import pytest

from lib.web.auth import digest

ORIGIN, FOREIGN = "https://app.example.com", "https://evil.example.com"
KEYS = json.dumps({"alice": [f"s1:{digest('s1', 'key-a')}"]})
ENV = {"AUTH": "on", "OWNER_KEYS": KEYS, "ALLOWED_ORIGINS": f"{ORIGIN} https://other.example.com"}
JOB = "vid_" + "0" * 27
READABLE = {
    *("Location", "Retry-After", "openai-poll-after-ms", "RateLimit", "RateLimit-Policy"),
    *("x-request-id", "ETag", "Idempotent-Replayed", "Preference-Applied"),
}
SENDABLE = {"Authorization", "Content-Type", "Idempotency-Key", "Prefer", "If-None-Match"}


@pytest.fixture
def world(make_world):
    return make_world(env=ENV)


def words(text):
    return {word.strip() for word in (text or "").split(",") if word.strip()}


def allowing(headers):
    return [name for name in dict(headers) if name.startswith("Access-Control-")]


def test_a_preflight_of_every_route_needs_no_key_and_names_its_methods(world):
    methods = {}
    for route in world.service.api.routes:
        methods.setdefault(route.path.replace("{id}", JOB), set()).add(route.method)
    for path, expected in methods.items():
        asked = {
            "Origin": ORIGIN,
            "Access-Control-Request-Method": next(iter(expected)),
            "Access-Control-Request-Headers": "authorization, idempotency-key",
        }
        answer = world.client.options(path, headers=asked)
        assert answer.status_code == 204, path
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert expected <= words(answer.headers["Access-Control-Allow-Methods"])
        assert words(answer.headers["Access-Control-Allow-Headers"]) >= SENDABLE
        assert int(answer.headers["Access-Control-Max-Age"]) > 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/v1/models", 200),
        ("get", "/v1/videos", 200),
        ("get", f"/v1/videos/{JOB}", 404),
        ("put", "/v1/videos", 405),
        ("get", "/nowhere", 404),
        ("get", "/health", 200),
        ("get", "/openapi.json", 200),
        ("get", "/api/v1/tasks", 200),
        ("post", "/v1/videos", 415),
    ],
)
def test_every_answer_can_be_read_by_an_allowed_origin(world, method, path, status):
    headers = {"Origin": ORIGIN, "Authorization": "Bearer key-a"}
    answer = getattr(world.client, method)(path, headers=headers)
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert words(answer.headers["Access-Control-Expose-Headers"]) >= READABLE
    assert "Origin" in words(answer.headers["Vary"])
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_refusal_without_a_key_can_be_read_too(world):
    answer = world.client.get("/v1/videos", headers={"Origin": ORIGIN})
    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize(
    "origin", [FOREIGN, "null", f"{ORIGIN}.evil.com", "http://app.example.com"]
)
@pytest.mark.parametrize("method", ["get", "options"])
def test_a_foreign_origin_gets_no_header(world, origin, method):
    headers = {"Origin": origin, "Authorization": "Bearer key-a"}
    answer = getattr(world.client, method)("/v1/models", headers=headers)
    assert allowing(answer.headers) in ([], ["Access-Control-Max-Age"])
    assert "Origin" in words(answer.headers["Vary"])


def test_with_nothing_configured_nobody_is_allowed(make_world):
    answer = make_world().client.options("/v1/videos", headers={"Origin": ORIGIN})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_star_allows_everybody_without_credentials(make_world):
    world = make_world(env={"ALLOWED_ORIGINS": "*"})
    answer = world.client.get("/v1/models", headers={"Origin": FOREIGN})
    assert answer.headers["Access-Control-Allow-Origin"] == FOREIGN
    assert "Access-Control-Allow-Credentials" not in answer.headers


# What openai's SDK sends from a page, as its requests name it, and the rest of its family.
SDKS = [
    "x-stainless-lang",
    "x-stainless-package-version",
    "x-stainless-os",
    "x-stainless-arch",
    "x-stainless-runtime",
    "x-stainless-runtime-version",
    "x-stainless-retry-count",
    "x-stainless-timeout",
    "x-stainless-async",
    "x-stainless-helper-method",
    "x-stainless-poll-helper",
    "x-stainless-custom-poll-interval",
    "openai-organization",
    "openai-project",
    "user-agent",
]


@pytest.mark.parametrize("path", ["/v1/videos", f"/v1/videos/{JOB}"])
def test_the_headers_that_sdks_add_by_themselves_pass(world, path):
    asked = ["authorization", "content-type", *SDKS]
    headers = {"Origin": ORIGIN, "Access-Control-Request-Headers": ",".join(asked)}
    answer = world.client.options(path, headers=headers)
    allowed = words(answer.headers["Access-Control-Allow-Headers"].lower())
    assert allowed >= set(asked)
    assert "*" not in allowed


@pytest.mark.parametrize(
    "name",
    [
        "x-forwarded-for",
        "x-stainless",
        "x-stainless-",
        "x-stainless-" + "a" * 41,
        "x-stainless-a b",
        "x-stainless-\u00e9",
        "cookie",
        "*",
        "x-stainless-lang; x-evil",
    ],
)
def test_no_other_header_passes(world, name):
    headers = {"Origin": ORIGIN, "Access-Control-Request-Headers": f"{name}, X-Stainless-Lang"}
    answer = world.client.options("/v1/videos", headers=headers)
    assert words(answer.headers["Access-Control-Allow-Headers"]) == {*SENDABLE, "x-stainless-lang"}


def test_a_foreign_origin_is_not_told_which_headers_pass(world):
    headers = {"Origin": FOREIGN, "Access-Control-Request-Headers": "x-stainless-lang"}
    answer = world.client.options("/v1/videos", headers=headers)
    assert "Access-Control-Allow-Headers" not in answer.headers


def test_however_many_headers_are_asked_for_the_answer_is_short(world):
    names = ",".join(f"x-stainless-{n}" for n in range(100_000))
    headers = {"Origin": ORIGIN, "Access-Control-Request-Headers": names}
    answer = world.client.options("/v1/videos", headers=headers)
    assert len(answer.headers["Access-Control-Allow-Headers"]) < 4096
