"""All parts together on real ports: one clock, frames over the wire, a scheduler that calls."""

import base64
import io
import threading
import time

import pytest
import requests
from PIL import Image
from werkzeug.wrappers import Response

from lib.emulator import film
from lib.emulator.server import Server
from lib.emulator.suite import BUCKET, Emulators, Options


@pytest.fixture
def web():
    with requests.Session() as session:
        session.trust_env = False
        yield session


def picture(color):
    file = io.BytesIO()
    Image.new("RGB", (320, 240), color).save(file, "PNG")
    return file.getvalue()


def put(web, lines, name, data):
    objects_url = f"{lines['STORAGE_EMULATOR_HOST']}/upload/storage/v1/b/{BUCKET}/o"
    answer = web.post(f"{objects_url}?uploadType=media&name={name}", data=data)
    assert answer.status_code == 200
    return f"{lines['STORAGE_EMULATOR_HOST']}/download/storage/v1/b/{BUCKET}/o/{name}?alt=media"


def create(web, lines, first, last):
    return web.post(
        lines["DASHSCOPE_BASE_URL"] + "/services/aigc/image2video/video-synthesis",
        headers={
            "Authorization": f"Bearer {lines['DASHSCOPE_API_KEY']}",
            "X-DashScope-Async": "enable",
        },
        json={
            "model": "wan2.2-kf2v-flash",
            "input": {"first_frame_url": first, "last_frame_url": last},
            "parameters": {"resolution": "480P"},
        },
    )


def finished(web, lines, task_id):
    headers = {"Authorization": f"Bearer {lines['DASHSCOPE_API_KEY']}"}
    for _ in range(600):
        url = f"{lines['DASHSCOPE_BASE_URL']}/tasks/{task_id}"
        output = web.get(url, headers=headers).json()["output"]
        if output["task_status"] not in {"PENDING", "RUNNING"}:
            return output
        time.sleep(0.2)
    raise AssertionError("no end")


def test_two_frames_in_the_bucket_become_a_real_film(web):
    emulators = Emulators(Options())
    lines = emulators.start()
    try:
        first, last = (put(web, lines, f"{n}.png", picture((n, 90, 90))) for n in (10, 200))
        answer = create(web, lines, first, last)
        output = finished(web, lines, answer.json()["output"]["task_id"])
        assert output["task_status"] == "SUCCEEDED", output
        seen = film.probe(web.get(output["video_url"]).content)
        assert (seen["codec"], seen["frames"], seen["fps"]) == ("h264", 150, 30.0)
        assert (seen["width"], seen["height"]) == film.output_size(320, 240, "480P")
    finally:
        emulators.stop()


def test_one_clock_for_all(web):
    emulators = Emulators(Options(render=lambda _film: b"film"))
    lines = emulators.start()
    try:
        url = "data:image/png;base64," + base64.b64encode(picture(5)).decode()
        task_id = create(web, lines, url, url).json()["output"]["task_id"]
        link = finished(web, lines, task_id)["video_url"]
        assert web.get(link).content == b"film"
        before = web.get(lines["EMULATOR_CLOCK_URL"]).json()["now"]
        assert abs(before - time.time()) < 60
        web.post(lines["EMULATOR_CLOCK_URL"], json={"advance_s": 25 * 3600})
        assert web.get(link).status_code == 403
        assert finished(web, lines, task_id)["task_status"] == "UNKNOWN"
        upstream = lines["DASHSCOPE_BASE_URL"].partition("/singapore")[0]
        now = web.get(f"{upstream}/emulator/clock").json()["now"]
        assert now - before > 25 * 3600
    finally:
        emulators.stop()


def test_the_scheduler_calls_and_its_keys_are_served(web):
    called, heard = threading.Event(), []

    def target(environ, start_response):
        heard.append(environ["HTTP_AUTHORIZATION"])
        called.set()
        return Response("{}")(environ, start_response)

    with Server(target) as poll:
        emulators = Emulators(Options(poll_url=f"{poll.url}/", every_s=0.05))
        lines = emulators.start()
        try:
            assert called.wait(10)
            upstream = lines["DASHSCOPE_BASE_URL"].partition("/singapore")[0]
            assert "emulated-scheduler" in web.get(f"{upstream}/emulator/certs").json()
            assert web.get(f"{upstream}/emulator/jwks").json()["keys"][0]["kty"] == "RSA"
        finally:
            emulators.stop()
    assert heard[0].startswith("Bearer ey")


def test_without_a_scheduler_there_are_no_keys(web):
    emulators = Emulators(Options())
    lines = emulators.start()
    try:
        upstream = lines["DASHSCOPE_BASE_URL"].partition("/singapore")[0]
        assert web.get(f"{upstream}/emulator/certs").status_code == 404
    finally:
        emulators.stop()
