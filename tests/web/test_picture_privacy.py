"""However a photograph comes in and however it goes upstream, neither the bucket nor the upstream learns its place."""

import base64
import io

import pytest
from PIL import Image

from tests.core.media.test_privacy import FILM, PROFILE, SECRET, SEGMENTS, exif, segment
from tests.web.compat import test_uploads as compat
from tests.web.native import test_uploads as native
from tests.world import picture

ASYNC = {"X-DashScope-Async": "enable", **compat.RESOLVE}


def photograph(orientation=1, kind="JPEG"):
    """As a phone makes it: place, serial number, comment, a small copy, and a film behind it."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((320, 256)).convert("RGB").save(
        file, kind, icc_profile=PROFILE
    )
    data = file.getvalue()
    parts = segment(0xE1, b"Exif\0\0" + exif(orientation)) + b"".join(
        SEGMENTS[name] for name in ("XMP", "IPTC", "comment", "JFXX")
    )
    return data[:2] + parts + data[2:] + FILM


def uri(data):
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


def form(world, data):
    return world.post(first=data, last=picture())


def text(world, data):
    fields = {"first_frame": uri(data), "last_frame": uri(picture(kind="JPEG")), "prompt": "rain"}
    return world.client.post("/v1/videos", json=fields)


def link(world, data):
    world.bucket.blob("elsewhere/a.jpg").upload_from_string(data, "image/jpeg")
    url = world.context.artifacts.link("elsewhere/a.jpg").url
    fields = {"first_frame": url, "last_frame": uri(picture(kind="JPEG")), "prompt": "rain"}
    return world.client.post("/v1/videos", json=fields)


def upload(world, data):
    session = world.session()
    opened = native.opened(world, content_type="image/jpeg")
    assert native.put(session, opened, data).status_code == 200
    fields = {"first_frame": opened["frame"], "last_frame": opened["frame"], "prompt": "rain"}
    return world.client.post("/v1/videos", json=fields)


def dashscope(world, first):
    source = {"first_frame_url": first, "last_frame_url": uri(picture(kind="JPEG"))}
    fields = {"model": compat.FLASH, "input": source}
    return world.client.post(compat.CREATE, json=fields, headers=ASYNC)


def dashscope_text(world, data):
    return dashscope(world, uri(data))


def dashscope_link(world, data):
    world.bucket.blob("elsewhere/a.jpg").upload_from_string(data, "image/jpeg")
    return dashscope(world, world.context.artifacts.link("elsewhere/a.jpg").url)


def dashscope_upload(world, data):
    return dashscope(world, compat.uploaded(world, {}, data=data))


WAYS = (form, text, link, upload, dashscope_text, dashscope_link, dashscope_upload)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("delivery", ["link", "upload", "inline"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_no_way_in_and_no_way_on_carries_what_is_private(make_world, way, delivery, orientation):
    world = make_world(env={"FRAME_DELIVERY": delivery})
    sent = photograph(orientation)
    answer = way(world, sent)
    assert answer.status_code in {200, 202}, answer.text
    world.run()
    (task,) = world.paid()
    with Image.open(io.BytesIO(task.film.first)) as kept, Image.open(io.BytesIO(sent)) as came:
        assert kept.info["icc_profile"] == PROFILE
        assert kept.size == (came.size if orientation == 1 else came.size[::-1])
    stored = {blob.name: blob.download_as_bytes() for blob in world.bucket.list_blobs()}
    assert task.film.first in stored.values()
    assert SECRET not in task.film.first
    ours = {name for name in stored if not name.startswith(("elsewhere/", "uploads/"))}
    assert [name for name in ours if SECRET in stored[name]] == []
    assert len([name for name in ours if name.startswith("frames/")]) >= 1


def test_the_same_photograph_again_is_the_same_request(make_world):
    """What identifies a request is what was sent, and not what is kept of it."""
    world, sent = make_world(), photograph(6)
    key = {"Idempotency-Key": "k"}
    first, again = (world.post(first=sent, headers=key) for _ in range(2))
    assert first.get_json()["id"] == again.get_json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    bare = world.bucket.blob(world.names("frames/")[0]).download_as_bytes()
    assert world.post(first=bare, headers=key).status_code == 422


def test_a_job_made_again_sends_the_frames_that_were_kept(make_world):
    world = make_world()
    job_id = world.post(first=photograph(), prompt="#internal rain").get_json()["id"]
    world.run()
    assert world.job(job_id)["status"] == "failed"
    again = world.client.post(f"/v1/videos/{job_id}/retry")
    assert again.status_code == 202
    kept = [world.names(f"frames/local/{name}/") for name in (job_id, again.get_json()["id"])]
    # Named by their content.
    first, second = ([name.rpartition("/")[2] for name in names] for names in kept)
    assert first == second


def test_a_preview_counts_the_bytes_that_would_be_kept(make_world):
    world, sent = make_world(), photograph()
    fields = {"first_frame": uri(sent), "last_frame": uri(sent), "validate_only": True}
    seen = world.client.post("/v1/videos", json=fields).get_json()
    assert {frame["bytes"] for frame in seen["frames"]} < {*range(len(sent))}
