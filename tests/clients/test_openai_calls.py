"""Every call of openai-python's `client.videos`, against our function on a port."""

import asyncio
import base64
import io
import json
import warnings

import pytest

from tests.clients.native_target import FIRST_URI, LAST_URI
from tests.clients.targets import FIRST_PICTURE, LAST_PICTURE
from tests.world import picture

pytestmark = [
    pytest.mark.clients,
    # The package marks its own resource so, since the service behind it closed.
    pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning"),
]

MODEL = "wan2.2-kf2v-flash"
LAST = {"last_frame": LAST_URI}


@pytest.fixture
def client(openai, native):
    with openai.OpenAI(base_url=native.url, api_key=native.key) as one:
        yield one


def run(openai, native, story):
    """An asynchronous story with its client."""

    async def whole():
        async with openai.AsyncOpenAI(base_url=native.url, api_key=native.key) as client:
            return await story(client)

    return asyncio.run(whole())


def create(client, **changes):
    options = {"model": MODEL, "prompt": "rain", "input_reference": FIRST_PICTURE} | changes
    return client.videos.create(**{"extra_body": LAST, **options})


def frames(native):
    (task,) = native.world.paid()
    return task.film.first, task.film.last


def test_create_retrieve_and_the_video_that_comes_back(client, native):
    made = create(client)
    assert (made.object, made.model, made.prompt) == ("video", MODEL, "rain")
    assert (made.status, made.seconds, made.size) == ("in_progress", "5", "1104x816")
    assert made.created_at == 1_780_000_000
    assert (made.completed_at, made.error) == (None, None)
    native.settle()
    ended = client.videos.retrieve(made.id)
    assert (ended.id, ended.status, ended.progress) == (made.id, "completed", 100)
    assert ended.completed_at > ended.created_at
    assert ended.url.startswith("http://")  # what is ours is kept, as an extra
    assert ended._request_id


def test_the_video_survives_a_round_trip_without_a_warning(client, native, openai):
    made = create(client)
    native.settle()
    for video in (made, client.videos.retrieve(made.id)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            dumped = video.model_dump()
            again = openai.types.Video.construct(**json.loads(video.to_json()))
        assert again.model_dump() == dumped
        assert set(openai.types.Video.model_fields) <= set(dumped)


def test_the_packages_own_type_validates_us_strictly_where_it_can(client, native, openai):
    """Its `size` knows four sizes only; it is our only field that strict validation can refuse."""
    wide, other = create(client, input_reference=picture(1280, 720)), create(client)
    native.settle()
    text = client.videos.retrieve(wide.id).to_json()
    assert openai.types.Video.model_validate_json(text).size == "1280x720"
    with pytest.raises(ValueError, match="1 validation error for Video\nsize\n"):
        openai.types.Video.model_validate_json(client.videos.retrieve(other.id).to_json())


@pytest.mark.parametrize("form", ["bytes", "path", "open file", "memory", "tuple", "typed tuple"])
def test_input_reference_in_every_form_that_the_package_takes(client, native, tmp_path, form):
    path = tmp_path / "first.png"
    path.write_bytes(FIRST_PICTURE)
    with path.open("rb") as file:
        given = {
            "bytes": FIRST_PICTURE,
            "path": path,
            "open file": file,
            "memory": io.BytesIO(FIRST_PICTURE),
            "tuple": ("first.png", FIRST_PICTURE),
            "typed tuple": ("first.png", io.BytesIO(FIRST_PICTURE), "image/png"),
        }[form]
        create(client, input_reference=given)
    assert frames(native) == (FIRST_PICTURE, LAST_PICTURE)


@pytest.mark.parametrize(
    "given",
    [
        {"first_frame": FIRST_URI, "last_frame": LAST_URI},
        {"image": FIRST_URI, "last_frame": LAST_URI},
        {"images": [FIRST_URI, LAST_URI]},
    ],
    ids="+".join,
)
def test_both_frames_in_extra_body(client, openai, native, given):
    create(client, input_reference=openai.omit, extra_body=given)
    assert frames(native) == (FIRST_PICTURE, LAST_PICTURE)


def test_a_link_as_the_last_frame(client, native):
    create(client, extra_body={"last_frame": native.last})
    assert frames(native) == (FIRST_PICTURE, LAST_PICTURE)


def test_a_last_frame_of_several_megabytes_as_a_data_uri(client, native):
    heavy = LAST_PICTURE + bytes(6 << 20)  # behind the picture's end; a text field of 8 MB
    text = "data:image/png;base64," + base64.b64encode(heavy).decode()
    create(client, extra_body={"last_frame": text})
    assert len(native.world.paid()) == 1


def test_every_other_field_through_extra_body(client, native):
    extra = {
        "negative_prompt": "blur",
        "seed": 7,
        "prompt_extend": False,
        "watermark": True,
        "metadata": {"order": "4711", "from": "shop"},
    }
    video = create(client, seconds="5", size="1792x1024", extra_body={**LAST, **extra})
    assert video.metadata == {"order": "4711", "from": "shop"}
    assert video.resolution == "1080P"
    (task,) = native.world.paid()
    assert task.body["input"]["negative_prompt"] == "blur"
    sent = task.body["parameters"]
    assert (sent["seed"], sent["prompt_extend"], sent["watermark"]) == (7, False, True)


@pytest.mark.parametrize(
    ("size", "resolution"),
    [("1280x720", "720P"), ("720x1280", "720P"), ("1024x1792", "1080P"), ("832x480", "480P")],
)
def test_size_picks_the_resolution(client, size, resolution):
    assert create(client, size=size).resolution == resolution


def test_create_and_poll_waits_as_long_as_it_is_told(client, native):
    with native.time_passes():
        video = client.videos.create_and_poll(
            model=MODEL, prompt="rain", input_reference=FIRST_PICTURE, extra_body=LAST
        )
    assert (video.status, video.progress) == ("completed", 100)
    gaps = native.gaps_s(f"/v1/videos/{video.id}")
    assert gaps  # `openai-poll-after-ms` of the answer; without it the package asks each second
    assert min(gaps) > 1.9


def test_poll_at_the_callers_own_pace(client, native):
    made = create(client)
    with native.time_passes():
        video = client.videos.poll(made.id, poll_interval_ms=100)
    assert video.status == "completed"
    assert min(native.gaps_s(f"/v1/videos/{made.id}")) < 1


def test_the_film_in_memory_into_a_file_streamed_and_in_part(client, native, tmp_path):
    made = create(client)
    native.settle()
    film = client.videos.download_content(made.id)
    assert film.content[4:8] == b"ftyp"
    film.write_to_file(tmp_path / "whole.mp4")
    streamed = client.videos.with_streaming_response.download_content(made.id)
    with streamed as response:
        response.stream_to_file(tmp_path / "streamed.mp4")
    whole = (tmp_path / "whole.mp4").read_bytes()
    assert whole == (tmp_path / "streamed.mp4").read_bytes() == film.content
    part = client.videos.download_content(made.id, extra_headers={"Range": "bytes=4-7"})
    assert (part.response.status_code, part.content) == (206, b"ftyp")
    # The key stays with us: the redirect leads to another origin.
    assert "authorization" not in part.response.request.headers
    first = client.videos.download_content(made.id, extra_query={"variant": "first_frame"})
    assert first.content == FIRST_PICTURE


def test_raw_responses_show_our_headers(client):
    made = client.videos.with_raw_response.create(
        model=MODEL, prompt="rain", input_reference=FIRST_PICTURE, extra_body=LAST
    )
    assert made.status_code == 202
    video = made.parse()
    assert made.headers["location"] == f"/v1/videos/{video.id}"
    assert (made.headers["retry-after"], made.headers["openai-poll-after-ms"]) == ("5", "2000")
    assert made.request_id == video._request_id


def test_an_idempotency_key_replays(client, native):
    key = {"Idempotency-Key": "order-4711"}
    first = create(client, extra_headers=key)
    raw = client.videos.with_raw_response.create(
        model=MODEL,
        prompt="rain",
        input_reference=FIRST_PICTURE,
        extra_body=LAST,
        extra_headers=key,
    )
    assert raw.parse().id == first.id
    assert raw.headers["idempotent-replayed"] == "true"
    assert len(native.world.paid()) == 1


def test_delete(client, openai, native):
    made = create(client)
    native.settle()
    gone = client.videos.delete(made.id)
    assert (gone.id, gone.object, gone.deleted) == (made.id, "video.deleted", True)
    assert client.videos.delete(made.id).deleted is True
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(made.id)


def test_a_job_that_fails_is_returned_not_raised(client, native):
    with native.time_passes():
        video = client.videos.create_and_poll(
            model=MODEL,
            prompt="#moderation",
            input_reference=FIRST_PICTURE,
            extra_body=LAST,
            poll_interval_ms=50,
        )
    assert video.status == "failed"
    assert video.error.code == "content_policy_violation"
    assert video.error.message
    assert video.model_dump()["error"]["retryable"] is False


def test_what_the_package_has_no_method_for(client, openai, native):
    """Cancel is ours: the package's own `post` speaks it, and its poll ends on the new status."""
    made = create(client)
    video = client.post(f"/videos/{made.id}/cancel", cast_to=openai.types.Video)
    assert video.status == "cancelled"
    assert client.videos.poll(made.id).status == "cancelled"
    assert client.videos.retrieve(made.id).model_dump()["status"] == "cancelled"


def test_retrieve_that_waits_for_the_end(client, native):
    made = create(client)
    with native.time_passes():
        for _ in range(20):
            raw = client.videos.with_raw_response.retrieve(
                made.id, extra_headers={"Prefer": "wait=30"}
            )
            assert raw.headers["preference-applied"] == "wait=30"
            if raw.parse().status == "completed":
                break
    assert raw.parse().status == "completed"


def test_a_failed_job_is_made_again_by_the_packages_own_post(client, openai, native):
    made = create(client, prompt="#moderation")
    native.settle()
    again = client.post(f"/videos/{made.id}/retry", cast_to=openai.types.Video)
    assert again.id != made.id
    assert again.status in {"queued", "in_progress"}


def test_a_rehearsal_pays_nothing(client, native):
    told = create(client, extra_body={**LAST, "validate_only": True})
    assert told.size == "1104x816"
    assert native.world.paid() == []


def test_the_asynchronous_client_does_all_of_it(openai, native, tmp_path):
    async def story(client):
        made = await client.videos.create_and_poll(
            model=MODEL,
            prompt="rain",
            input_reference=("first.png", FIRST_PICTURE),
            extra_body=LAST,
            poll_interval_ms=50,
        )
        film = await client.videos.download_content(made.id)
        film.write_to_file(tmp_path / "whole.mp4")
        streamed = client.videos.with_streaming_response.download_content(made.id)
        async with streamed as response:
            await response.stream_to_file(tmp_path / "streamed.mp4")
        raw = await client.videos.with_raw_response.retrieve(made.id)
        assert raw.parse().status == "completed"
        assert (await client.videos.delete(made.id)).deleted is True
        return made

    with native.time_passes():
        video = run(openai, native, story)
    assert video.status == "completed"
    whole = (tmp_path / "whole.mp4").read_bytes()
    assert whole[4:8] == b"ftyp"
    assert whole == (tmp_path / "streamed.mp4").read_bytes()
