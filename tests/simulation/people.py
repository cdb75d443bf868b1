"""Whoever calls the service in a simulated world: posts, repeated wishes, whims, strangers, ticks.

Each is a function that makes an actor's name and work. Owners know nothing of the weather; they do
what people and their programs do: click twice, repeat, cancel, delete, look.
"""

from __future__ import annotations

import contextlib
import random

from lib.core.errors import ApiError
from lib.core.request import VideoRequest
from lib.emulator.upstream.tasks import Task
from lib.emulator.upstream.timing import FilmSource
from lib.flows.requests.cancel import cancel
from lib.flows.requests.delete import delete
from lib.flows.requests.implicit_key import answered
from lib.flows.requests.submit import submit, submit_keyless
from tests.receivers import ANOTHER, PLACE, WAYS
from tests.simulation.actors import Killed
from tests.simulation.invariants import Broken
from tests.world import UPSTREAM, picture

OWNERS = ("alice", "bob", "carol")
FRAMES = picture(320, 320), picture(320, 320, color=(200, 60, 30))
BAD_FILMS = ("#truncated-mp4", "#corrupt-mp4", "#wrong-type")
CREATE = f"{UPSTREAM}/singapore/api/v1/services/aigc/image2video/video-synthesis"
REPEATS_S = 600.0
READS = ("", "/content", "/content?variant=first_frame", "/webhook-deliveries")


def keyless(context, owner, request):
    """A request without a key goes in, in either dialect's way; what was made of it."""
    return submit_keyless(context, owner, request)


class People:
    """Everybody around the service.

    Args:
        life: the world that is lived.
        foreign_key: of the stranger on our account.
    """

    def __init__(self, life, foreign_key):
        self._life, self._pick, self._foreign_key = life, life.random, foreign_key
        self._met = life.scheduler.met
        self._frame = ""
        self._unheard = set()

    def _request(self, prompt):
        fields = {"first_frame": FRAMES[0], "last_frame": FRAMES[1], "prompt": prompt}
        return VideoRequest.parse({**fields, "webhook_url": self._address(prompt)})

    def _address(self, prompt):
        """Where a job's end is told; the same request always names the same address."""
        pick = random.Random(f"{self._life.seed} {prompt}")
        if pick.random() < 0.3:
            return None
        return f"{pick.choice([PLACE, ANOTHER])}/{pick.choice([*WAYS, 'ok', 'ok', 'weak'])}/x"

    def _prompt(self, text):
        spoilt = self._pick.random() < 0.05
        return f"{text} {self._pick.choice(BAD_FILMS)}" if spoilt else text

    def poster(self, number):
        """Somebody posts: with a key, or without one until they are answered."""
        owner = self._pick.choice(OWNERS)
        if self._pick.random() < 0.5:
            return self._wisher(owner, self._prompt(f"film {owner} wish {number}"))
        key = f"{owner}-{self._pick.randrange(self._life.jobs)}"
        prompt = self._prompt(f"film {owner} {key}")
        times = 2 if self._pick.random() < 0.4 else 1

        def work():
            for _ in range(times):
                self._post(owner, key, prompt)

        return f"post {number}", work

    def _post(self, owner, key, prompt):
        context = self._pick.choice(self._life.instances).context
        try:
            made = submit(context, owner, self._request(prompt), key)
        except ApiError as error:
            self._met[f"post {error.kind.code}"] += 1
        else:
            self._life.answers.append((owner, key, made.job.intent.id))

    def _wisher(self, owner, prompt):
        """A client without a key repeats the same request until it is answered, for ten minutes."""

        def work():
            clock, scheduler = self._life.world.clock, self._life.scheduler
            until, tries = clock.now() + REPEATS_S, 0
            while clock.now() < until:
                tries += 1
                if tries > 1:
                    self._met["keyless_repeat"] += 1
                if self._wish(owner, prompt):
                    return
                scheduler.sleep(self._pick.choice([0.5, 2.0, 8.0, 61.0, 240.0]))

        self._life.wishes.append(prompt)
        return "wish", work

    def _wish(self, owner, prompt):
        """One try; whether an answer was heard."""
        context, heard = self._pick.choice(self._life.instances).context, self._pick.random() > 0.03
        try:
            made = keyless(context, owner, self._request(prompt))
        except Killed:
            # The process is gone, the client is not; its next try meets a new process.
            if not self._life.scheduler.revive():
                raise
            return False
        except ApiError as error:
            self._met[f"wish {error.kind.code}"] += 1
            # A refusal is an answer: a client repeats after 5xx, 408 and 429 only.
            return error.kind.status < 500 and error.kind.status not in {408, 429}
        self._life.answers.append((owner, None, made.job.intent.id))
        if not heard:
            self._met["answer_unheard"] += 1
            self._unheard.add(made.job.intent.id)
            return False
        self._unheard.discard(made.job.intent.id)
        with contextlib.suppress(Killed):  # the process dies behind its answer: the client has it
            answered(context, owner, made.begun)
        return True

    def ticker(self):
        """The scheduler's call."""
        service = self._pick.choice(self._life.instances)

        def work():
            try:
                service.tick()
            except ApiError:
                self._met["tick gave up"] += 1

        return "tick", work

    def whim(self):
        """An owner cancels, deletes, looks at or lists something."""
        pick = self._pick
        number, what = pick.randrange(2), pick.choice(["cancel", "delete", "read", "read"])

        def work():
            if what == "read":
                self._read(number)
            # Nobody cancels or deletes what they were never told of, and waits for it besides.
            known = [row for row in self._life.answers if row[2] not in self._unheard]
            if not known or what == "read":
                return
            owner, _key, job_id = pick.choice(known)
            try:
                context = self._life.instances[number].context
                {"cancel": cancel, "delete": delete}[what](context, owner, job_id)
                self._met[what] += 1
            except ApiError as error:
                self._met[f"{what} {error.kind.code}"] += 1

        return what, work

    def _read(self, number):
        """Over HTTP, as an owner's page does; nothing that is odd anywhere may be our crash."""
        owner = self._pick.choice(OWNERS)
        paths = ["/v1/videos?limit=5", "/v1/videos?limit=100", "/ready"]
        mine = [job_id for whose, _key, job_id in self._life.answers if whose == owner]
        if mine:
            job_id = self._pick.choice(mine)
            paths += [f"/v1/videos/{job_id}{more}" for more in READS]
        for path in self._pick.sample(paths, 2):
            answer = self._life.read(number, owner, path)
            self._met[f"read {answer.status_code}"] += 1
            if answer.status_code == 500:
                raise Broken(f"seed {self._life.seed}: 500 from GET {path}: {answer.text[:300]}")

    def stranger(self, number):
        """Somebody else of the same account makes a task of the same model, with another key."""

        def work():
            body = {
                "model": "wan2.2-kf2v-flash",
                "input": {
                    "first_frame_url": self._frame_url,
                    "last_frame_url": self._frame_url,
                    "prompt": f"foreign {number}",
                },
                "parameters": {"resolution": "720P"},
            }
            head = {"Authorization": f"Bearer {self._foreign_key}", "X-DashScope-Async": "enable"}
            answer = self._life.world.session().post(CREATE, json=body, headers=head)
            self._met[f"stranger {answer.status_code}"] += 1

        return "stranger", work

    @property
    def _frame_url(self):
        """A picture that the upstream can download."""
        world, name = self._life.world, "frames/stranger/picture.png"
        if not self._frame:
            world.bucket.blob(name).upload_from_string(FRAMES[0], content_type="image/png")
            self._frame = name
        return world.context.artifacts.link(name).url

    def passer_by(self):
        """A task of a stranger that comes and is cancelled at once: one more row in the list."""
        upstream, pick = self._life.world.upstream, self._pick
        template = next(iter(upstream.tasks), None)
        if template is None:
            return
        now, number = upstream.clock.now(), pick.getrandbits(48)
        task = Task(
            id=f"00000000-0000-4000-8000-{number:012x}",
            account=template.account,
            region=template.region,
            key_id="40001",
            request_id="00000000-0000-4000-8000-000000000000",
            model=template.model,
            body={"input": {"first_frame_url": "", "prompt": "passing by"}},
            film=FilmSource(b"", None, "720P", 0, watermark=False, prompt="passing by", model="x"),
            submitted_at=now,
            ready_at=now + 3600,
            running_s=1.0,
        )
        upstream.tasks.add(task)
        upstream.tasks.cancel(task)
