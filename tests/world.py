"""A whole world in one process: emulators under the real clients, on a clock that tests move.

Nothing is mocked. The seam is the wire: `requests` sessions on which the emulators' WSGI apps are
mounted, handed in where `wiring` hands in the real ones.
"""

from __future__ import annotations

import functools
import io
import json
import random
import tempfile
from pathlib import Path

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.cloud import storage as google_storage
from PIL import Image
from werkzeug.test import Client
from werkzeug.wrappers import Request

from lib import config
from lib.core.together import in_turn
from lib.emulator.clock import Clock
from lib.emulator.in_process import InProcess
from lib.emulator.storage import StorageApp
from lib.emulator.upstream import Timing, UpstreamApp
from lib.wiring.building import build
from lib.wiring.runtime import Runtime
from tests.receivers import PLACES, Receivers

START = 1_780_000_000.0
STORAGE = "http://127.0.0.1:9001"
UPSTREAM = "http://127.0.0.1:9002"
BUCKET = "inbetween-test"
EMAIL = "local@inbetween.iam.gserviceaccount.com"
KEY = "sk-local-singapore"


@functools.cache
def signing_key():
    """A throw-away service account: (key file path, public PEM)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    path = Path(tempfile.mkdtemp(), "key.json")
    path.write_text(json.dumps({"client_email": EMAIL, "private_key": private.decode()}))
    return str(path), public.decode()


@functools.cache
def picture(width=640, height=480, color=(30, 60, 200), kind="PNG", mode="RGB", **options):
    """An encoded picture, by default a small plain PNG."""
    file = io.BytesIO()
    Image.new(mode, (width, height), color).save(file, kind, **options)
    return file.getvalue()


class View:
    """A clock as somebody sees it whose own is wrong by a constant.

    Args:
        clock: the true one.
        off_s: by how much this one is ahead.
    """

    def __init__(self, clock, off_s):
        self._clock, self._off_s = clock, off_s
        self.on_advance = clock.on_advance

    def now(self):
        return self._clock.now() + self._off_s

    def advance(self, seconds):
        return self._clock.advance(seconds) + self._off_s


class World:
    """Emulators, a service over them, and hands to move time and ask questions.

    Args:
        film: makes the MP4 bytes of a task.
        draw: pending and running seconds of each task, on the moved clock.
        overflow: what the upstream does with a third task (`refuse` or `queue`).
        env: further settings, by their environment names.
        seed: of ids and of everything the upstream draws.
        keys: further keys of the upstream, by region.
        places: base URLs of storage and upstream; others than the usual when both have real ports.
        make: makes a task's MP4 from what it is rendered from; `film` for every task without it.
        upstream_off_s: by how much the upstream's clock is ahead of the world's.
        storage_off_s: by how much the bucket's clock is ahead of it.
    """

    def __init__(
        self,
        film,
        *,
        draw=lambda: (1.0, 60.0),
        overflow="refuse",
        env=None,
        seed=0,
        make=None,
        keys=None,
        places=(STORAGE, UPSTREAM),
        upstream_off_s=0.0,
        storage_off_s=0.0,
    ):
        self.storage_url, self.upstream_url = places
        self.clock = Clock(start=START)
        self.random = random.Random(seed)
        self.receivers = Receivers(self.clock)
        key_file, public_pem = signing_key()
        self.storage = StorageApp(
            View(self.clock, storage_off_s), signers={EMAIL: public_pem}, base_url=self.storage_url
        )
        self.storage.create_bucket(BUCKET)
        self.web = self.session()
        self.upstream = UpstreamApp(
            View(self.clock, upstream_off_s),
            keys={"singapore": [KEY], "beijing": ["sk-local-beijing"], **(keys or {})},
            base_url=self.upstream_url,
            render=make or (lambda _film: film()),
            fetch=self.web,
            timing=Timing.virtual(draw),
            overflow=overflow,
            seed=seed,
        )
        self.web.mount(self.storage_url, InProcess(self.storage))
        self.web.mount(self.upstream_url, InProcess(self.upstream))
        self._env = {
            "BUCKET": BUCKET,
            "STORAGE_EMULATOR_HOST": self.storage_url,
            "DASHSCOPE_BASE_URL": f"{self.upstream_url}/singapore/api/v1",
            "DASHSCOPE_REGION": "singapore",
            "DASHSCOPE_API_KEY": KEY,
            "SIGNING_KEY_FILE": key_file,
            "AUTH": "off",
            "TICK_BUDGET_S": "50",
        }
        self.deploy(env or {})

    def deploy(self, env):
        """A new revision with other settings, over the same bucket and upstream."""
        self._env |= env
        self.config = config.parse(self._env)
        self.service = self.instance()
        self.context = self.service.context
        self.client = Client(Request.application(self.service.api))

    def session(self):
        """A session on which the emulators answer."""
        session = requests.Session()
        session.trust_env = False
        session.mount(PLACES, InProcess(self.receivers))
        if hasattr(self, "upstream"):
            session.mount(self.storage_url, InProcess(self.storage))
            session.mount(self.upstream_url, InProcess(self.upstream))
        return session

    def instance(self, *, now=None, sleep=None, connect=None, together=in_turn):
        """One more function instance over the same bucket and upstream."""
        connect = connect or self.session
        return build(
            self.config,
            Runtime(
                now=now or self.clock.now,
                sleep=sleep or self.clock.advance,
                token=lambda: f"{self.random.getrandbits(64):016x}",
                storage_session=connect(),
                upstream_session=connect,
                web_session=connect(),
                together=together,
            ),
        )

    @functools.cached_property
    def bucket(self):
        """The real client's bucket, for looking behind the service."""
        client = google_storage.Client(
            project="local",
            client_options={"api_endpoint": self.storage_url},
            credentials=google_storage.client.AnonymousCredentials(),
            _http=self.session(),
        )
        return client.bucket(BUCKET)

    def names(self, prefix=""):
        """The objects in the bucket."""
        return [blob.name for blob in self.bucket.list_blobs(prefix=prefix)]

    def post(self, *, first=None, last=None, headers=None, **fields):
        """POST /v1/videos with two uploaded frames."""
        data = {
            "first_frame": (io.BytesIO(first or picture()), "first.png"),
            "last_frame": (io.BytesIO(last or picture(color=(200, 60, 30))), "last.png"),
            "prompt": "a small blue monster looks up",
            **fields,
        }
        return self.client.post("/v1/videos", data=data, headers=headers)

    def job(self, job_id):
        """GET /v1/videos/{id} as a dict."""
        return self.client.get(f"/v1/videos/{job_id}").get_json()

    def tick(self, service=None):
        """One tick; time passes inside it."""
        return (service or self.service).tick()

    def run(self, ticks=20, pause_s=10.0):
        """Tick until nothing is pending."""
        for _ in range(ticks):
            summary = self.tick()
            if not summary["pending"]:
                return
            self.clock.advance(pause_s)
        raise AssertionError(f"still pending after {ticks} ticks: {self.names('pending/')}")

    def paid(self):
        """The tasks that the upstream accepted."""
        return list(self.upstream.tasks)
