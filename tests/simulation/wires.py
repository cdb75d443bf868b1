"""The wire between one function instance and a service: where a call meets its fate.

Faults of the process (death, freezing), of the way (lost, late, slow, nameless) and of the answer
(refused, distorted) are drawn here at each call. What is inside the stated bounds is drawn up to
its very edge; what is outside them never is.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import requests
from google.auth import exceptions as google_auth
from requests.adapters import BaseAdapter
from urllib3 import exceptions as urllib3_errors

from lib.emulator.body import Dropped
from lib.emulator.in_process import InProcess
from tests.simulation.actors import Killed
from tests.simulation.distorter import Answer, Distorter

MARGIN_S = 60.0
KINDS = ("kill", "lose", "refuse", "throttle", "slow", "freeze", "distort", "nameless", "homeless")
# So many times likelier is a fault at a call of this kind; whatever stands for all others is 1.
LIKELIER = {
    ("create", "distort"): 4,
    ("create", "freeze"): 25,
    ("list", "distort"): 10,
    ("get", "distort"): 4,
    ("cancel", "distort"): 10,
    ("film", "distort"): 4,
    ("policy", "distort"): 4,
    ("upload", "distort"): 4,
    **{("create", kind): 3 for kind in ("kill", "lose", "refuse", "throttle", "slow", "nameless")},
}
PENDING = re.compile(r"pending/[\w-]+/(vid_[0-9a-f]{27})")
UNTIL = re.compile(r'"until": *"?([0-9.]+)')
SENDING = re.compile(r'"stage": *"sending"')
NAMED = re.compile(r'"name": *"([^"]+)"')
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
DOCUMENTED_503 = (
    b'{"code": "ModelUnavailable", "message": "Model is unavailable, please try again later.", "request_id": "simulated"}',
    b'{"code": "ModelServingError", "message": "Too many requests.", "request_id": "simulated"}',
    b"{}",
    b"<html><body>503</body></html>",
    b"",
)
TOO_MANY = b'{"code": "Throttling", "message": "simulated", "request_id": "simulated"}'
SLOW_S = (0.5, 4.0, 9.9, 19.0, 45.0, 75.0)


UPSTREAM_CALLS = (
    ("film", re.compile(r"/results/.*")),
    ("create", re.compile(r".*/video-synthesis")),
    ("cancel", re.compile(r".*/cancel")),
    ("upload", re.compile(r"/oss/?")),
    ("policy", re.compile(r".*/uploads")),
    ("list", re.compile(r".*/tasks/?")),
    ("get", re.compile(r".*")),
)


def operation(place, request):
    """What a call is about, as the distorter names it."""
    path = urlsplit(request.url).path
    if place == "upstream":
        return next(name for name, pattern in UPSTREAM_CALLS if pattern.fullmatch(path))
    if place == "hooks":
        return "hook"
    if request.method in WRITES:
        return "write"
    return "read" if "alt=media" in request.url or "/download/" in path else "look"


class Wire(BaseAdapter):
    """A transport on which calls meet their fate.

    Args:
        life: the world that is lived.
        place: storage, upstream or hooks.
        skew_s: by how much the clock of this instance is ahead of the true one.
    """

    def __init__(self, life, place, skew_s=0.0):
        super().__init__()
        apps = {
            "storage": life.world.storage,
            "upstream": life.world.upstream,
            "hooks": life.world.receivers,
        }
        self._life, self._place, self._skew_s = life, place, skew_s
        self._scheduler, self._random = life.scheduler, life.random
        self._inside, self._distorter = InProcess(apps[place]), Distorter(life.random)

    def send(self, request, **options):
        actor = self._scheduler.meet()
        call = operation(self._place, request)
        self._note(actor or self._life.keeper, call, request)
        if actor is None:
            return self._go(request, options)
        kind = self._draw(call)
        if self._place == "upstream" and self._outage():
            kind = self._random.choice(["lose", "refuse", "unreached"])
        if kind != "fine":
            return getattr(self, f"_{kind}")(actor, call, request, options)
        return self._page(request, options) if call == "list" else self._go(request, options)

    def close(self):
        pass

    # What is drawn

    def _draw(self, call):
        weather, draw = self._scheduler.weather, self._random.random()
        for kind in KINDS if call != "create" else ("late", *KINDS):
            if kind == "homeless" and self._place != "storage":
                continue
            share = getattr(weather, kind) * LIKELIER.get((call, kind), 1)
            if draw < share:
                return kind
            draw -= share
        return "fine"

    def _outage(self):
        begin, end = self._scheduler.weather.outage
        return begin <= self._scheduler.clock.now() - self._scheduler.began < end

    def _note(self, actor, call, request):
        """Remember whose lease this process has just taken, and until when."""
        if call != "write":
            return
        text = _text(request)
        job, until = PENDING.search(unquote(request.url) + text), UNTIL.search(text)
        if job and until and SENDING.search(text):
            actor.sending = (job[1], float(until[1]) - self._skew_s)

    def _latest(self, actor):
        """When a create of this process may arrive at the latest, by the true clock."""
        return actor.sending[1] + MARGIN_S if actor.sending else self._now

    @property
    def _now(self):
        return self._scheduler.clock.now()

    def _met(self, name):
        self._scheduler.met[name] += 1

    # What happens

    def _go(self, request, options):
        """The call takes effect and is answered."""
        if limited := self._too_often(request):
            return limited
        if self._place != "upstream":
            response = self._inside.send(request, **options)
            self._tomorrow(request)
            return response
        tasks = self._life.world.upstream.tasks
        before = len(tasks)
        response = self._inside.send(request, **options)
        if len(tasks) > before:
            self._life.made_for((self._scheduler.current or self._life.keeper).sending)
        return response

    def _kill(self, actor, _call, request, options):
        actor.dead = True
        if self._random.random() < 0.5:
            self._met("kill_before")
            raise Killed
        self._go(request, options)
        self._met("kill_after")
        raise Killed

    def _lose(self, _actor, _call, request, options):
        self._met("lose")
        self._go(request, options).close()
        if self._random.random() < 0.3:
            raise requests.ReadTimeout("the answer was lost", request=request)
        raise requests.ConnectionError("the answer was lost", request=request)

    def _refuse(self, _actor, call, request, _options):
        self._met("refuse")
        body = self._random.choice(DOCUMENTED_503) if call == "create" else b"{}"
        return _answer(request, Answer(503, _json_head(body), body))

    def _throttle(self, _actor, _call, request, _options):
        self._met("throttle")
        return _answer(request, Answer(429, _json_head(TOO_MANY), TOO_MANY))

    def _unreached(self, _actor, _call, request, _options):
        self._met("unreached")
        raise requests.ConnectionError("cut before it arrived", request=request)

    def _nameless(self, _actor, _call, request, _options):
        """As requests tells that nothing has left this machine."""
        self._met("nameless")
        pool, host = None, urlsplit(request.url).hostname
        no_name = urllib3_errors.NameResolutionError(host, pool, OSError("no such host"))
        refused = urllib3_errors.NewConnectionError(pool, "connection refused")
        late = urllib3_errors.ConnectTimeoutError("connect timed out")
        cause = self._random.choice([no_name, refused, late])
        wrapped = urllib3_errors.MaxRetryError(pool, request.url, cause)
        kind = requests.ConnectTimeout if cause is late else requests.ConnectionError
        raise kind(wrapped, request=request)

    def _homeless(self, _actor, _call, _request, _options):
        self._met("metadata_server")
        kinds = (google_auth.RefreshError, google_auth.TransportError)
        raise self._random.choice(kinds)("the metadata server does not answer")

    def _slow(self, actor, call, request, options):
        """Late on the way there or on the way back; later than our patience is no answer."""
        patience_s, slow_s = _patience(options), self._random.choice(SLOW_S)
        if self._random.random() < 0.5:
            latest = self._latest(actor) if call == "create" else self._now + patience_s
            self._scheduler.stand_still(min(self._now + min(slow_s, patience_s - 0.1), latest))
            self._met("slow")
            return self._go(request, options)
        response = self._go(request, options)
        self._scheduler.sleep(min(slow_s, patience_s))
        if slow_s < patience_s:
            self._met("slow")
            return response
        self._met("slower_than_patience")
        response.close()
        raise requests.ReadTimeout("no answer in time", request=request)

    def _freeze(self, actor, call, request, options):
        """The process stands still: between its last check and the socket, or after it."""
        if self._random.random() < 0.3:
            response = self._go(request, options)
            self._scheduler.sleep(self._random.uniform(1, 600))
            self._met("freeze_after")
            return response
        if call == "create":
            latest = min(self._now + MARGIN_S, self._latest(actor))
            at_the_edge = self._random.random() < 0.3
            at = latest if at_the_edge else self._random.uniform(self._now, latest)
            self._scheduler.stand_still(at)
            self._met("freeze_before_create")
        else:
            self._scheduler.sleep(self._random.uniform(60, 600))
            self._met("freeze")
        return self._go(request, options)

    def _late(self, actor, _call, request, options):
        """Given up by its sender, a create arrives all the same, at most M after its lease."""
        patience_s, latest, job = _patience(options), self._latest(actor), actor.sending
        sent = self._now
        soonest = min(sent + patience_s, latest)
        at = self._random.choice([latest, latest - 0.001, self._random.uniform(soonest, latest)])

        def arrive():
            assert self._now <= max(latest, sent) + 0.001, "later than the bounds allow"
            tasks = self._life.world.upstream.tasks
            before = len(tasks)
            self._inside.send(request, stream=False)
            if len(tasks) > before:
                self._life.made_for(job)

        self._met("late_create")
        self._scheduler.later(max(at, self._now), arrive)
        self._scheduler.sleep(patience_s)
        raise requests.ReadTimeout("no answer in time", request=request)

    def _distort(self, _actor, call, request, options):
        before = len(self._life.world.upstream.tasks)
        response = self._go(request, {**options, "stream": True})
        body = response.raw.read(decode_content=False)
        answer = Answer(response.status_code, dict(response.headers), body)
        made = call == "create" and len(self._life.world.upstream.tasks) > before
        odd, name = self._distorter.distort(call, answer, made=made)
        self._met(name)
        return _answer(request, odd, stream=options.get("stream", False))

    # Pages of the upstream's list

    def _page(self, request, options):
        """A list may be slow, in many pages, and change while it is read."""
        pages = self._life.conditions.pages
        number = int((re.search(r"page_no=(\d+)", request.url) or ["", "1"])[1])
        if pages.size:
            request = request.copy()
            request.url = re.sub(r"page_size=\d+", f"page_size={pages.size}", request.url)
        if pages.shift and number > 1 and self._random.random() < pages.shift:
            self._life.stranger_passes()
            self._met("list_shifts")
        if pages.slow_s:
            self._met("list_slow")
            self._scheduler.sleep(self._random.uniform(0, pages.slow_s))
            response = self._go(request, options)
            self._scheduler.sleep(self._random.uniform(0, min(pages.slow_s, 9.0)))
            return response
        return self._go(request, options)

    # The bucket

    def _too_often(self, request):
        """Cloud Storage takes one write a second to one object name."""
        conditions = self._life.conditions
        if self._place != "storage" or request.method not in {"POST", "PATCH"}:
            return None
        name = _object(request)
        if not conditions.write_rate or not name:
            return None
        written = self._life.written
        if self._now - written.get(name, 0.0) < 1.0:
            self._met("write_rate")
            body = b'{"error": {"code": 429, "message": "The object exceeded the rate limit."}}'
            return _answer(request, Answer(429, _json_head(body), body))
        written[name] = self._now
        return None

    def _tomorrow(self, request):
        """What a newer revision writes beside us has more in it than we know."""
        if self._place != "storage" or request.method not in {"POST", "PATCH"}:
            return
        if self._life.conditions.tomorrow and self._random.random() < 0.2:
            name = _object(request)
            if name and self._life.enrich(name):
                self._met("newer_revision")


def _object(request):
    path = urlsplit(request.url).path
    if "/o/" in path:
        return unquote(path.partition("/o/")[2])
    named = NAMED.search(_text(request)) or re.search(r"[?&]name=([^&]+)", request.url)
    return unquote(named[1]) if named else ""


def _text(request):
    body = request.body or b""
    if isinstance(body, str):
        return body[:4000]
    return bytes(body[:4000]).decode("latin-1") if isinstance(body, bytes | bytearray) else ""


def _patience(options):
    timeout = options.get("timeout")
    read_s = timeout[1] if isinstance(timeout, tuple) else timeout
    return float(read_s or 60.0)


def _json_head(body):
    return {"Content-Type": "application/json", "Content-Length": str(len(body))}


def _answer(request, answer, *, stream=False):
    """An answer of our own making; a cut one breaks after its last byte."""

    def app(_environ, start_response):
        start_response(f"{answer.status} Simulated", list(answer.headers.items()))
        return _body(answer)

    return InProcess(app).send(request, stream=stream)


def _body(answer):
    if answer.body:
        yield answer.body
    if answer.cut:
        raise Dropped
