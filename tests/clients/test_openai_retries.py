"""openai-python in bad weather: it sends a create up to three times, and one task is paid."""

import asyncio

import pytest

from tests.clients.native_target import BROKEN, LAST_URI, LATE, LOST, REFUSED, SLOW, SLOW_S
from tests.clients.targets import FIRST_PICTURE

pytestmark = [
    pytest.mark.clients,
    pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning"),
]

GIVE_UP_S = SLOW_S - 1
ORDER = {
    "model": "wan2.2-kf2v-flash",
    "prompt": "rain",
    "input_reference": FIRST_PICTURE,
    "extra_body": {"last_frame": LAST_URI},
}
WEATHER = [
    (LOST, LOST),
    (BROKEN, BROKEN),
    (REFUSED, LOST),
    (LOST, BROKEN),
    (SLOW, SLOW),
    (LATE, LATE),
    (LATE, SLOW),
]


@pytest.fixture
def client(openai, native):
    with openai.OpenAI(base_url=native.url, api_key=native.key) as one:
        yield one


@pytest.mark.parametrize("storms", WEATHER, ids="-".join)
def test_three_tries_of_one_create_are_one_paid_task(client, native, storms):
    native.storms = list(storms)
    video = client.videos.create(**ORDER, timeout=GIVE_UP_S)
    assert native.creates() == ["0", "1", "2"]
    native.settle()
    assert len(native.world.paid()) == 1
    assert client.videos.retrieve(video.id).status == "completed"


@pytest.mark.parametrize("storms", [(LOST, LOST), (LATE, SLOW)], ids="-".join)
def test_three_tries_of_the_asynchronous_client_are_one_paid_task(openai, native, storms):
    native.storms = list(storms)

    async def story():
        async with openai.AsyncOpenAI(base_url=native.url, api_key=native.key) as client:
            return await client.videos.create(**ORDER, timeout=GIVE_UP_S)

    asyncio.run(story())
    assert native.creates() == ["0", "1", "2"]
    native.settle()
    assert len(native.world.paid()) == 1


def test_an_open_file_is_sent_whole_by_every_try(client, native, tmp_path):
    path = tmp_path / "first.png"
    path.write_bytes(FIRST_PICTURE)
    native.storms = [LOST, BROKEN]
    with path.open("rb") as file:
        client.videos.create(**{**ORDER, "input_reference": file})
    (task,) = native.world.paid()
    assert task.film.first == FIRST_PICTURE


def test_two_wishes_are_two_films(client, native):
    """Only a repetition of the package itself counts as one; a second call is a second wish."""
    made = {client.videos.create(**ORDER).id for _ in range(2)}
    assert len(made) == 2


def test_when_every_try_is_lost_the_task_is_still_one(client, openai, native):
    native.storms = [LOST, LOST, LOST]
    with pytest.raises(openai.APIConnectionError):
        client.videos.create(**ORDER)
    native.settle()
    assert len(native.world.paid()) == 1


def test_a_second_wish_whose_answer_is_lost_is_not_taken_for_the_first(client, native):
    first = client.videos.create(**ORDER)
    native.storms = [LOST]
    second = client.videos.create(**ORDER)
    assert second.id != first.id
    assert native.creates() == ["0", "0", "1"]
    native.settle()
    assert len(native.world.paid()) == 2
