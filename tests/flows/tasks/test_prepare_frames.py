"""How frames reach the upstream: by link, by its temporary upload, or inside the request."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from werkzeug.wrappers import Request

from lib.emulator.in_process import InProcess
from tests.world import BUCKET, STORAGE, picture

LIMIT = 10485760  # characters of a data URI


def heavy(bytes_at_least):
    """A picture that does not compress: noise."""
    side = int((bytes_at_least / 3) ** 0.5) + 8
    noise = np.random.default_rng(1).integers(0, 256, (side, side, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    return file.getvalue()


def post(world, first):
    session = world.session()
    session.mount("http://api.localhost", InProcess(Request.application(world.service.api)))
    files = {"first_frame": ("a.png", first), "last_frame": ("b.png", picture())}
    return session.post("http://api.localhost/v1/videos", files=files)


def sent(world):
    (task,) = world.paid()
    source = task.body["input"]
    return source["first_frame_url"], source["last_frame_url"]


@pytest.mark.parametrize(
    ("delivery", "start"),
    [
        ("link", f"{STORAGE}/{BUCKET}/frames/local/"),
        ("upload", "oss://dashscope-instant/"),
        ("inline", "data:image/png;base64,"),
    ],
)
def test_frames_go_the_configured_way_and_the_film_is_made_of_them(make_world, delivery, start):
    world = make_world(env={"FRAME_DELIVERY": delivery})
    assert world.post().status_code == 202
    first, last = sent(world)
    assert first.startswith(start)
    assert last.startswith(start)
    (task,) = world.paid()
    assert [task.film.first, task.film.last] == [picture(), picture(color=(200, 60, 30))]
    world.run()
    assert len(world.names("videos/")) == 1


@pytest.mark.parametrize(("region", "delivery"), [("singapore", "link"), ("beijing", "upload")])
def test_each_region_has_a_default_that_works_there(make_world, region, delivery):
    world = make_world(
        env={
            "DASHSCOPE_REGION": region,
            "DASHSCOPE_BASE_URL": f"http://127.0.0.1:9002/{region}/api/v1",
            "DASHSCOPE_API_KEY": f"sk-local-{region}",
        }
    )
    (account,) = world.config.accounts
    assert account.delivery == delivery
    assert world.post().status_code == 202
    world.run()
    assert len(world.names("videos/")) == 1


def test_a_frame_too_big_for_a_data_uri_is_uploaded_instead(make_world):
    world = make_world(env={"FRAME_DELIVERY": "inline"})
    big = heavy(7_900_000)
    assert len(base64.b64encode(big)) > LIMIT
    assert len(big) < 10 * 1024 * 1024
    answer = post(world, big)
    assert answer.status_code == 202, answer.text
    first, last = sent(world)
    assert first.startswith("oss://")
    assert last.startswith("data:image/png;base64,")
    (task,) = world.paid()
    assert task.film.first == big
    world.run()
    (video,) = world.names("jobs/")
    assert json.loads(world.bucket.blob(video).download_as_bytes())["verdict"]["status"] == (
        "completed"
    )


def test_a_frame_just_below_the_limit_stays_inline(make_world):
    world = make_world(env={"FRAME_DELIVERY": "inline"})
    big = heavy(7_770_000)
    assert LIMIT - 100_000 < len(base64.b64encode(big)) + 22 <= LIMIT
    assert post(world, big).status_code == 202
    assert world.paid() == []  # a slow line needs longer for it than a caller should wait
    world.tick()
    assert sent(world)[0].startswith("data:")
