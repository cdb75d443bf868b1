"""openai-python when something is refused: which exception, which words, how many tries."""

import json

import pytest

from tests.clients.native_target import LAST_URI, REFUSED
from tests.clients.targets import FIRST_PICTURE

pytestmark = [
    pytest.mark.clients,
    pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning"),
]

ORDER = {
    "model": "wan2.2-kf2v-flash",
    "prompt": "rain",
    "input_reference": FIRST_PICTURE,
    "extra_body": {"last_frame": LAST_URI},
}


@pytest.fixture
def client(openai, native):
    with openai.OpenAI(base_url=native.url, api_key=native.key) as one:
        yield one


def refused(openai, call, *arguments, **options):
    with pytest.raises(openai.APIError) as caught:
        call(*arguments, **options)
    return caught.value


def test_a_mistake_names_its_field(client, openai, native):
    error = refused(openai, client.videos.create, **ORDER, seconds="8")
    assert isinstance(error, openai.BadRequestError)
    assert (error.code, error.param, error.type) == (
        "invalid_request",
        "seconds",
        "invalid_request_error",
    )
    assert str(error) == (
        'Error code: 400 - seconds: got "8"; allowed: 5; every film of these models lasts five '
        "seconds."
    )
    assert error.body["retryable"] is False
    assert error.request_id == error.body["request_id"]
    assert native.creates() == ["0"]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"extra_body": {}}, "invalid_request", "last_frame: nothing was given"),
        ({"extra_body": {"last_frame": "last.png"}}, "invalid_frame", "that is no link"),
        (
            {"extra_body": {"last_frame": LAST_URI, "lastFrame": "x"}},
            "invalid_request",
            "lastFrame",
        ),
        ({"model": "sora-2"}, "unsupported_model", "sora-2"),
        ({"size": "4096x2160"}, "invalid_request", "1920x1080"),
        ({"input_reference": b"no picture"}, "invalid_frame", "first_frame"),
    ],
    ids=["no last frame", "a file's name", "unknown field", "old model", "too large", "no picture"],
)
def test_what_people_get_wrong_first(client, openai, native, change, code, words):
    error = refused(openai, client.videos.create, **{**ORDER, **change})
    assert isinstance(error, openai.BadRequestError)
    assert error.code == code
    assert words in str(error)
    assert native.world.paid() == []


def test_a_wrong_key(openai, native):
    client = openai.OpenAI(base_url=native.url, api_key="sk-wrong")
    error = refused(openai, client.videos.retrieve, "vid_1")
    assert isinstance(error, openai.AuthenticationError)
    assert (error.code, error.type) == ("unauthenticated", "authentication_error")


def test_no_such_video_and_no_such_call(client, openai, native):
    made = client.videos.create(**ORDER)
    calls = [
        (client.videos.retrieve, ("vid_0",), {}),
        (client.videos.remix, (made.id,), {"prompt": "snow"}),
        (client.videos.extend, (), {"prompt": "on", "seconds": "4", "video": b"film"}),
        (client.videos.edit, (), {"prompt": "red", "video": b"film"}),
    ]
    for call, arguments, options in calls:
        before = len(native.asked)
        error = refused(openai, call, *arguments, **options)
        assert error.status_code in {404, 405}, call
        assert error.code in {"not_found", "method_not_allowed"}
        assert len(native.asked) == before + 1  # told not to try again, it does not


def test_too_early_for_the_film_and_for_the_delete(client, openai, native):
    made = client.videos.create(**ORDER)
    hasty = client.with_options(max_retries=0)
    error = refused(openai, hasty.videos.download_content, made.id)
    assert isinstance(error, openai.ConflictError)
    assert (error.code, error.response.headers["retry-after"]) == ("not_ready", "5")
    before = len(native.asked)
    error = refused(openai, client.videos.delete, made.id)
    assert isinstance(error, openai.ConflictError)
    assert "Cancel it first" in str(error)
    assert len(native.asked) == before + 1


def test_a_download_that_comes_too_early_waits_as_it_is_told(client, native):
    made = client.videos.create(**ORDER)
    with native.time_passes():
        film = client.videos.download_content(made.id)
    assert film.content[4:8] == b"ftyp"
    (gap,) = native.gaps_s(f"/v1/videos/{made.id}/content")
    assert gap > 4.9


def test_a_key_that_was_used_for_another_request(client, openai):
    key = {"Idempotency-Key": "order-4711"}
    client.videos.create(**ORDER, extra_headers=key)
    other = {**ORDER, "prompt": "snow", "extra_headers": key}
    error = refused(openai, client.videos.create, **other)
    assert isinstance(error, openai.UnprocessableEntityError)
    assert error.code == "idempotency_mismatch"


def test_the_film_of_a_job_that_failed_is_gone(client, openai, native):
    made = client.videos.create(**{**ORDER, "prompt": "#moderation"})
    native.settle()
    error = refused(openai, client.videos.download_content, made.id)
    assert (type(error), error.status_code, error.code) == (openai.APIStatusError, 410, "gone")


def test_an_owner_who_made_enough_for_today(openai, make_native):
    limits = json.dumps({"*": {"jobs_per_day": 1}})
    native = make_native(env={"OWNER_LIMITS": limits})
    client = openai.OpenAI(base_url=native.url, api_key=native.key)
    client.videos.create(**ORDER)
    error = refused(openai, client.videos.create, **{**ORDER, "prompt": "snow"})
    assert isinstance(error, openai.RateLimitError)
    assert error.code == "rate_limited"
    assert int(error.response.headers["retry-after"]) > 120
    assert native.creates() == ["0", "0"]  # a wait of hours is not waited for


def test_a_service_that_is_down(client, openai, native):
    native.storms = [REFUSED, REFUSED, REFUSED]
    error = refused(openai, client.videos.create, **ORDER)
    assert isinstance(error, openai.InternalServerError)
    assert native.creates() == ["0", "1", "2"]
    assert native.world.paid() == []


def test_more_than_one_request_may_hold(client, openai, native):
    error = refused(openai, client.videos.create, **{**ORDER, "input_reference": bytes(33 << 20)})
    assert isinstance(error, openai.APIStatusError)
    assert (error.status_code, error.code) == (413, "payload_too_large")
    assert "33554432 bytes" in str(error)
