"""Runs scenarios: each process goes on until a call that the scenario names, then waits.

Where the simulation draws its faults, a scenario says them: who stands still where, who dies, whose
answer is lost. It is the same every time, and the invariants are those of the simulation.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from urllib.parse import unquote

import requests
from requests.adapters import BaseAdapter

from lib.core.errors import ApiError
from lib.core.request import VideoRequest
from lib.emulator.in_process import InProcess
from lib.flows.requests.submit import submit
from tests.conftest import film
from tests.receivers import PLACES, secret
from tests.simulation.actors import Killed
from tests.simulation.invariants import Invariants
from tests.world import KEY, STORAGE, UPSTREAM, World, picture

OWNER = "alice"
PROMPT = "a small blue monster looks up"
FRAMES = picture(320, 320), picture(320, 320, color=(200, 60, 30))
FOREIGN_KEY = "sk-local-foreign"
SYNTHESIS = "/services/aigc/image2video/video-synthesis"
CREATE = f"POST .*{SYNTHESIS}"
DOWNLOAD = ".*/results/"
TICKS_AT_MOST = 60
MODEL = "wan2.2-kf2v-flash"


class Process:
    """One process of ours with its own clock error and its own thread.

    Args:
        runner: of the scenario.
        work: what it does, given its service.
        skew_s: by how much its clock is ahead.
    """

    def __init__(self, runner, work, skew_s=0.0):
        clock = runner.world.clock
        world = runner.world
        self._apps = {STORAGE: world.storage, UPSTREAM: world.upstream, PLACES: world.receivers}
        self.service = runner.world.instance(
            now=lambda: clock.now() + skew_s, sleep=clock.advance, connect=self._connect
        )
        self._work, self._cue, self._fate = work, None, None
        self._mine, self._theirs = threading.Event(), threading.Event()
        self.done, self.failed, self.result = False, None, None
        threading.Thread(target=self._live, daemon=True).start()

    def _connect(self):
        session = requests.Session()
        session.trust_env = False
        for prefix, app in self._apps.items():
            session.mount(prefix, _Cues(self, app))
        return session

    def _live(self):
        self._mine.wait()
        self._mine.clear()
        try:
            self.result = self._work(self.service)
        except Killed:
            pass
        except ApiError as error:
            self.result = error
        except BaseException as error:  # noqa: BLE001 - raised again by the story's own thread
            self.failed = error
        self.done = True
        self._theirs.set()

    def _turn(self):
        self._theirs.clear()
        self._mine.set()
        self._theirs.wait()
        if self.failed:
            raise self.failed
        return self

    def until(self, when, pattern):
        """Go on until a call, and stand still `before` it takes effect or `after`.

        Raises:
            LookupError: the process was through before such a call.
        """
        self._cue = (when, re.compile(pattern, re.DOTALL))
        self._turn()
        if self.done:
            raise LookupError(f"no call like {pattern}")
        return self

    def end(self):
        """Go on to the end."""
        self._cue = None
        return self._turn()

    def die(self):
        """Never go on."""
        self._fate, self._cue = Killed(), None
        return self._turn()

    def lose(self):
        """Go on without the answer to this call."""
        self._fate, self._cue = requests.ConnectionError("the answer was lost"), None
        return self._turn()

    def meet(self, when, text):
        """Called at each call over the wire: stand still if this is the cue."""
        if self._cue is None or self._cue[0] != when or not self._cue[1].match(text):
            return
        self._theirs.set()
        self._mine.wait()
        self._mine.clear()
        fate, self._fate = self._fate, None
        if fate is not None:
            raise fate


class _Cues(BaseAdapter):
    def __init__(self, process, app):
        super().__init__()
        self._process, self._inside = process, InProcess(app)

    def send(self, request, **options):
        body = request.body or b""
        shown = (body.encode() if isinstance(body, str) else bytes(body))[:600].decode("latin-1")
        text = f"{request.method} {unquote(request.url)} {shown}"
        self._process.meet("before", text)
        response = self._inside.send(request, **options)
        self._process.meet("after", text)
        return response

    def close(self):
        pass


class ScenarioRunner:
    """A world in which a scenario runs, with everything that the invariants ask for."""

    seed, weather = "a scenario", "as told"

    def __init__(self, name):
        self.seed = name
        self.world = World(
            film,
            make=self._film,
            draw=lambda: (1.0, self.runs_s),
            keys={"singapore": [KEY, FOREIGN_KEY]},
            env={"WEBHOOK_SECRETS": json.dumps({OWNER: [secret()]})},
        )
        self.runs_s, self.answers, self.scheduler = 60.0, [], self
        self.met = Counter()

    def _film(self, task):
        name = task.prompt.encode()
        return film() + (8 + len(name)).to_bytes(4, "big") + b"free" + name

    # Hands

    def process(self, work, skew_s=0.0):
        """Somebody who waits for the first cue."""
        return Process(self, work, skew_s)

    def poster(self, key=None, prompt=PROMPT, webhook=None):
        """Somebody who posts."""

        def work(service):
            fields = {"first_frame": FRAMES[0], "last_frame": FRAMES[1], "prompt": prompt}
            fields["webhook_url"] = webhook
            job = submit(service.context, OWNER, VideoRequest.parse(fields), key).job
            self.answers.append((OWNER, key, job.intent.id))
            return job.intent.id

        return self.process(work)

    def post(self, key=None, prompt=PROMPT, webhook=None):
        """A post that goes well; its id."""
        return self.poster(key, prompt, webhook).end().result

    def ticker(self, skew_s=0.0):
        """Somebody who ticks once."""
        return self.process(lambda service: service.tick(), skew_s)

    def tick(self, pause_s=0.0):
        """A tick that goes well."""
        self.world.clock.advance(pause_s)
        return self.ticker().end().result

    def warm(self):
        """A film of ours before the story, so that the upstream's list has shown our key."""
        self.post(prompt="before the story")
        self.rest()
        self.world.clock.advance(400)

    def strange(self, prompt=PROMPT, key=FOREIGN_KEY):
        """Somebody else's task of the same account and model; its body looks like ours."""
        artifacts, bucket = self.world.context.artifacts, self.world.bucket
        name = "frames/stranger/picture.png"
        bucket.blob(name).upload_from_string(FRAMES[0], content_type="image/png")
        url = artifacts.link(name).url
        body = {
            "model": MODEL,
            "input": {"first_frame_url": url, "last_frame_url": url, "prompt": prompt},
            "parameters": {"resolution": "720P"},
        }
        head = {"Authorization": f"Bearer {key}", "X-DashScope-Async": "enable"}
        address = f"{UPSTREAM}/singapore/api/v1{SYNTHESIS}"
        answer = self.world.session().post(address, json=body, headers=head)
        assert answer.status_code == 200, answer.text

    def rest(self):
        """Ticks until nothing is pending and nobody is left to tell."""
        for _ in range(TICKS_AT_MOST):
            if not self.tick(pause_s=30)["pending"]:
                break
        for _ in range(30):
            if not self.world.names("pending/") and not self.world.names("outbox/"):
                return
            self.tick(pause_s=3600)

    def end(self):
        """Let everything come to rest and check the invariants.

        Raises:
            Broken: an invariant does not hold.
        """
        self.rest()
        self.world.clock.advance(600)  # whatever was paid for is made by now
        Invariants(self).invariants()
