"""Frames by their names in the bucket: whose, how old, and judged like any other."""

import pytest

from lib.core.errors import ApiError
from lib.flows.requests.frames import load
from tests.web.native.test_uploads import opened, put
from tests.world import BUCKET, picture


@pytest.fixture
def web(world):
    session = world.session()
    yield session
    session.close()


def refused(world, first, last=None):
    answer = world.client.post(
        "/v1/videos", json={"first_frame": first, "last_frame": last or first, "prompt": "rain"}
    )
    error = answer.get_json()["error"]
    assert answer.status_code == 400
    return error["message"]


def test_only_the_owners_own_uploads_are_read(world):
    own = "uploads/local/upl_1.png"
    elsewhere = [
        "uploads/other/upl_1.png", "uploads/upl_1.png", "uploads/local/a/../../other/upl_1.png",
        "pending/local/a", "jobs/local/a", "keys/local/a", "frames/local/a/b.png", "upl_1.png",
        "uploads/local2/upl_1.png", "uploads/LOCAL/upl_1.png", "uploads/local//upl_1.png",
        "uploads/local/.png", "uploads/local/upl_1.png ", "videos/local/a.mp4", "gates/singapore",
    ]  # fmt: skip
    for name in [own, *elsewhere]:
        world.bucket.blob(name).upload_from_string(picture(), content_type="image/png")
    assert load(world.context, "local", f"gs://{BUCKET}/{own}", "first_frame").width == 640
    missing = refused(world, f"gs://{BUCKET}/uploads/local/upl_none.png")
    for name in elsewhere:
        assert refused(world, f"gs://{BUCKET}/{name}") == missing, name
    for link in (
        f"gs://{BUCKET}x/{own}", f"gs://x/{own}", f"gs://{BUCKET}", f"gs://{BUCKET}/",
        f"gs://{BUCKET}/{own}#1", f"gs://{BUCKET}/{own}?generation=1", f"gs://{BUCKET}%2f{own}",
        f"gs://{BUCKET}/uploads/local/%75pl_1.png", f"GS://a@{BUCKET}/{own}",
    ):  # fmt: skip
        assert refused(world, link) == missing, link
    assert "POST /v1/uploads" in missing


def test_another_owners_upload_looks_like_a_missing_one_to_everybody_else(world):
    name = f"gs://{BUCKET}/uploads/alice/upl_1.png"
    world.bucket.blob("uploads/alice/upl_1.png").upload_from_string(picture())
    load(world.context, "alice", name, "first_frame")
    with pytest.raises(ApiError) as of_bob:
        load(world.context, "bob", name, "first_frame")
    with pytest.raises(ApiError) as of_nobody:
        load(world.context, "bob", name.replace("upl_1", "upl_2"), "first_frame")
    assert str(of_bob.value) == str(of_nobody.value)


def test_an_upload_counts_for_48_hours_and_is_judged_like_any_frame(world, web):
    upload, wrong, big = opened(world), opened(world), f"gs://{BUCKET}/uploads/local/big.png"
    assert put(web, upload, picture()).status_code == 200
    assert put(web, wrong, picture(kind="GIF")).status_code == 200
    world.bucket.blob("uploads/local/big.png").upload_from_string(bytes((10 << 20) + 1))
    assert "got a GIF file" in refused(world, wrong["frame"])
    assert "10 MB" in refused(world, big)
    world.clock.advance(48 * 3600 - 1)
    assert load(world.context, "local", upload["frame"], "first_frame").height == 480
    world.clock.advance(2)
    assert "older than 48 hours" in refused(world, upload["frame"])
