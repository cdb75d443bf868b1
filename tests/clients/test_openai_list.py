"""openai-python walks over the list: pages, cursors, both clients."""

import asyncio

import pytest

from tests.clients.native_target import LAST_URI
from tests.clients.targets import FIRST_PICTURE

pytestmark = [
    pytest.mark.clients,
    pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning"),
]


@pytest.fixture
def client(openai, native):
    with openai.OpenAI(base_url=native.url, api_key=native.key) as one:
        yield one


def create(client, prompt="rain"):
    return client.videos.create(
        model="wan2.2-kf2v-flash",
        prompt=prompt,
        input_reference=FIRST_PICTURE,
        extra_body={"last_frame": LAST_URI},
    )


def test_list_walks_over_all_pages_newest_first(client, native):
    made = []
    for number in range(5):
        made.append(create(client, prompt=f"rain {number}").id)
        native.world.clock.advance(1)
    assert [video.id for video in client.videos.list(limit=2)] == made[::-1]
    page = client.videos.list(limit=2)
    assert (page.has_more, page.last_id, len(page.data)) == (True, made[3], 2)
    rest = client.videos.list(after=made[3], limit=10)
    assert [video.prompt for video in rest] == ["rain 2", "rain 1", "rain 0"]
    native.settle()
    assert {video.status for video in client.videos.list()} == {"completed"}


def test_the_asynchronous_client_walks_too_and_a_deleted_video_is_gone(client, openai, native):
    made = [create(client, f"rain {number}").id for number in range(3)]
    native.settle()
    client.videos.delete(made[1])

    async def walk():
        async with openai.AsyncOpenAI(base_url=native.url, api_key=native.key) as other:
            return [video.id async for video in other.videos.list(limit=1)]

    assert sorted(asyncio.run(walk())) == sorted([made[0], made[2]])


def test_an_empty_list_ends_at_once(client):
    assert list(client.videos.list()) == []


def test_oldest_first_and_by_status(client, native):
    made = []
    for number in range(3):
        made.append(create(client, f"rain {number}").id)
        native.world.clock.advance(1)
    assert [video.id for video in client.videos.list(order="asc", limit=2)] == made
    native.settle()
    fresh = create(client, "snow").id
    live = client.videos.list(extra_query={"status": "in_progress"})
    assert [video.id for video in live] == [fresh]
