"""An upstream in process, pictures to point it at, and a clock to move.

The marks in the tests' tables (guide, reference, tasks, upload, errors, limits, oss, python, java,
exchanges, silent) are the sources of `lib/emulator/PROTOCOL.md`.
"""

import functools
import io

import pytest
import requests
from PIL import Image

from lib.emulator.clock import Clock
from lib.emulator.in_process import InProcess
from lib.emulator.upstream import Timing, UpstreamApp

START = 1_790_000_000.0
URL = "http://upstream.test"
PICTURES = "http://pictures.test"
SINGAPORE, BEIJING, OTHER = "sk-singapore", "sk-beijing", "sk-other"
CREATE = "/services/aigc/image2video/video-synthesis"
FLASH = "wan2.2-kf2v-flash"
FILM = b"\x00\x00\x00\x18ftypmp42" + b"stsd" + bytes(range(256)) * 40


@functools.cache
def picture(width=320, height=240, kind="PNG", mode="RGB", color=40, **options):
    """An encoded picture."""
    file = io.BytesIO()
    bands = len(Image.new(mode, (1, 1)).getbands())
    fill = color if bands == 1 else (color,) * bands
    Image.new(mode, (width, height), fill).save(file, kind, **options)
    return file.getvalue()


class Pictures:
    """A host that serves what it was given; 404 for the rest."""

    def __init__(self):
        self.files = {"/first.png": picture(), "/last.png": picture(color=90)}
        self.asked = []

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        self.asked.append(path)
        data = self.files.get(path)
        start_response("200 OK" if data is not None else "404 Not Found", [])
        return [data or b""]

    def put(self, data, name="/picture"):
        self.files[name] = data
        return PICTURES + name


class Emulated:
    """One emulated upstream with a caller."""

    def __init__(self, *, draw=lambda: (10.0, 60.0), **options):
        self.clock = Clock(start=START)
        self.pictures, self.films, self.film = Pictures(), [], FILM
        self.web = requests.Session()
        self.web.trust_env = False
        self.app = UpstreamApp(
            self.clock,
            base_url=URL,
            render=options.pop("render", self._render),
            fetch=self.web,
            keys={"singapore": [SINGAPORE, "sk-second", f"guest:{OTHER}"], "beijing": [BEIJING]},
            timing=options.pop("timing", None) or Timing.virtual(draw),
            **options,
        )
        self.web.mount(URL, InProcess(self.app))
        self.web.mount(PICTURES, InProcess(self.pictures))
        self.web.mount("https://dashscope", InProcess(self.app))

    def _render(self, film):
        self.films.append(film)
        return self.film

    def call(self, method, path, *, region="singapore", key=SINGAPORE, headers=None, **options):
        headers = {**({"Authorization": f"Bearer {key}"} if key else {}), **(headers or {})}
        url = f"{URL}/{region}/api/v1{path}"
        return self.web.request(method, url, headers=headers, **options)

    def post(self, body, *, path=CREATE, headers=None, **options):
        headers = {"X-DashScope-Async": "enable", **(headers or {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        return self.call("POST", path, json=body, headers=headers, **options)

    def create(self, prompt="rain", *, pause_s=1.0, **options):
        """A task; returns its id."""
        model = options.pop("model", FLASH)
        parameters = options.pop("parameters", {})
        answer = self.post(body(prompt=prompt, model=model, parameters=parameters), **options)
        assert answer.status_code == 200, answer.text
        self.clock.advance(pause_s)
        return answer.json()["output"]["task_id"]

    def post_status(self, **options):
        return self.post(body(), **options).status_code

    def get(self, task_id, **options):
        answer = self.call("GET", f"/tasks/{task_id}", **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def status(self, task_id, **options):
        return self.get(task_id, **options)["output"]["task_status"]

    def listed(self, **query):
        answer = self.call("GET", "/tasks", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def finished(self, prompt="rain", **options):
        """The whole answer about a task that has succeeded."""
        task_id = self.create(prompt, **options)
        self.clock.advance(100)
        return self.get(task_id)


def body(*, model=FLASH, prompt="rain", parameters=None, **source):
    """A create as the guide writes it."""
    frames = {
        "first_frame_url": f"{PICTURES}/first.png",
        "last_frame_url": f"{PICTURES}/last.png",
    }
    given = {**frames, "prompt": prompt, **source}
    given = {name: value for name, value in given.items() if value is not ...}
    return {"model": model, "input": given, "parameters": parameters or {}}


@pytest.fixture
def emulated():
    return Emulated()


@pytest.fixture
def make_emulated():
    return Emulated


@pytest.fixture
def a_body():
    return body


@pytest.fixture
def a_picture():
    return picture
