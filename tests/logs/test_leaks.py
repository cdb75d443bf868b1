"""No secret leaves: api and poll do a day's work in good and bad weather, then everything is read.

Looked for: keys, tokens and signatures anywhere (standard output, standard error, error bodies, the
bucket); prompts, notes and callers' own words anywhere but in the record of the job concerned.
"""

import base64
import json
import logging
import re
import urllib.parse

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request

from lib import logs, redaction
from lib.core.upstream import reader
from lib.flows import tick as ticking
from lib.flows.requests import submit as submitting
from lib.web.auth import new_key
from tests.receivers import PLACE, secret
from tests.web.test_auth_tokens import Google
from tests.world import KEY, START, picture

PROMPT, NEGATIVE, NOTE, WORD = (
    "zanzibar-7731",
    "timbuktu-8842",
    "samarkand-9953",
    "ulaanbaatar-1064",
)
POLL = {
    "POLL_AUDIENCE": "https://poll.example",
    "POLL_INVOKER": "scheduler@x.iam.gserviceaccount.com",
}
UPSTREAM_KEY = KEY
HOOK = "kathmandu-2275"
# The values themselves and the marks of things that are always secret.
MARKS = re.compile(
    r"X-Goog-(?:Signature|Credential)=[^\[]|[?&]Signature=[^\[]|Bearer\s+(?!\[struck)[\w.-]|Bearer%20"
    r"|\bsk-[A-Za-z0-9]|\bib_[0-9a-f]{8,}_|\beyJ[\w-]+\.eyJ|whsec_",
    re.IGNORECASE,
)


def spellings(secret):
    """A secret and what it may be written as."""
    raw = secret.encode()
    return {
        secret, secret.upper(), raw.hex(), urllib.parse.quote(secret, safe=""),
        base64.b64encode(raw).decode().rstrip("="), json.dumps(secret).strip('"'),
    }  # fmt: skip


def found(text, secrets):
    """Which secrets and marks a text holds."""
    hits = [secret for secret in secrets if any(form in text for form in spellings(secret))]
    return hits + [match[0] for match in MARKS.finditer(text)]


class Day:
    """One service, its callers, and everything that was heard."""

    def __init__(self, make_world, monkeypatch):
        self.key, kept = new_key()
        self.revoked, _ = new_key()
        self.world = make_world(
            env={
                "AUTH": "on",
                "OWNER_KEYS": json.dumps({"alice-the-owner": [kept]}),
                "WEBHOOK_SECRETS": json.dumps({"alice-the-owner": [secret("n"), secret("o")]}),
                **POLL,
            }
        )
        self.google = Google(self.world.clock)
        service = self.world.instance(connect=self.connect)
        self.api, self.poll = (
            Client(Request.application(door)) for door in (service.api, service.poll)
        )
        self.monkeypatch, self.errors, self.jobs = monkeypatch, [], []
        self.secrets = {self.key, self.revoked, UPSTREAM_KEY, self.token()}
        self.secrets |= {text.removeprefix("whsec_") for text in (secret("n"), secret("o"))}
        self.secrets |= {"n" * 32, "o" * 32}

    def connect(self):
        session = self.world.session()
        session.mount("https://www.googleapis.com", _wsgi(self.google.certs))
        return session

    def token(self, **changes):
        claims = {"aud": POLL["POLL_AUDIENCE"], "email": POLL["POLL_INVOKER"], **changes}
        return self.google.token(**claims)

    ways = ("ok", "500", "hang", "moves", "weak")

    def heard(self, answer):
        if answer.status_code >= 400:
            self.errors.append(
                f"{answer.status_code} {dict(answer.headers)} {answer.get_data(as_text=True)}"
            )
        return answer

    def call(self, method, path, key=None, **send):
        headers = {"Authorization": f"Bearer {key or self.key}", **send.pop("headers", {})}
        return self.heard(self.api.open(path, method=method, headers=headers, **send))

    def create(self, *, suffix="", status=202, headers=None, **changes):
        body = {
            "first_frame": self.link(), "last_frame": self.link(), "prompt": f"{PROMPT} {suffix}",
            "negative_prompt": NEGATIVE, "metadata": {"note": NOTE},
            "webhook_url": f"{PLACE}/{self.ways[len(self.jobs) % len(self.ways)]}/{HOOK}?token={HOOK}",
            **changes,
        }  # fmt: skip
        answer = self.call("POST", "/v1/videos", json=body, headers=headers or {})
        assert answer.status_code == status, answer.text
        if status == 202:
            self.jobs.append(answer.get_json()["id"])
        return answer

    def link(self):
        """A picture behind a signed link of somebody's bucket: the signature is a secret."""
        name = "elsewhere/frame.png"
        if not self.world.bucket.blob(name).exists():
            self.world.bucket.blob(name).upload_from_string(picture(), content_type="image/png")
        url = self.world.context.artifacts.link(name).url
        self.secrets.add(url.rpartition("=")[2])
        return url

    def tick(self, times=1, **claims):
        for _ in range(times):
            headers = {"Authorization": f"Bearer {self.token(**claims)}"}
            self.heard(self.poll.post("/", headers=headers))
            self.world.clock.advance(61)

    def storm(self, **fault):
        self.world.upstream.faults.add(**fault)

    # What happens on such a day

    def strangers(self):
        for key in (self.revoked, self.key[:-1], self.token(), UPSTREAM_KEY, "x"):
            assert self.call("GET", "/v1/models", key).status_code == 401
        self.call("GET", f"/v1/videos?key={self.key}&api_key={UPSTREAM_KEY}")
        for claims in (
            {"email": "mallory@x"},
            {"aud": "https://other"},
            {"exp": int(START) - 9999},
        ):
            self.tick(**claims)
        for header in ({}, {"Authorization": f"Bearer {self.key}"}, {"Authorization": "Basic x"}):
            self.heard(self.poll.post("/", headers=header))

    def mistakes(self):
        for changes in (
            {"prompt": PROMPT * 90}, {"model": PROMPT}, {"seed": PROMPT}, {PROMPT: 1},
            {"metadata": NOTE}, {"metadata": {NOTE * 9: 1}}, {"prompt": [PROMPT]}, {"negative_prompt": {NEGATIVE: 1}},
            {"first_frame": "data:image/png;base64," + base64.b64encode(PROMPT.encode()).decode()},
            {"first_frame": self.link().replace("frame.png", "none.png")},
            {"first_frame": f"http://127.0.0.1:9/{WORD}?X-Goog-Signature={WORD}"},
            {"first_frame": f"https://user:{WORD}@127.0.0.1/x.png"}, {"last_frame": WORD},
            {"webhook_url": f"https://10.0.0.1/{HOOK}"}, {"webhook_url": f"ftp://{HOOK}"}, {"webhook_url": [HOOK]},
        ):  # fmt: skip
            self.create(status=400, **changes)
        for raw in (f'{{"prompt": "{PROMPT}', f'{{"prompt": {PROMPT}}}', f'"{PROMPT}"', "[" * 9000):
            self.call("POST", "/v1/videos", data=raw, content_type="application/json")
        self.call("POST", "/v1/videos", data=f"prompt={PROMPT}", content_type="text/plain")
        self.create(headers={"Idempotency-Key": WORD})
        self.create(headers={"Idempotency-Key": WORD}, status=422, prompt=f"{PROMPT} other")
        self.call("GET", f"/v1/videos/{PROMPT}")
        self.call("GET", f"/v1/videos/{self.jobs[-1]}/content?variant={PROMPT}")

    def weather(self):
        quotes = f"Bearer {UPSTREAM_KEY}: {PROMPT} https://x/y?Signature={WORD} {UPSTREAM_KEY}"
        for fault in (
            {"operation": "create", "kind": "drop", "when": "after"},
            {"operation": "create", "kind": "status", "status": 401, "code": "InvalidApiKey", "message": quotes},
            {"operation": "create", "kind": "status", "status": 400, "code": "InvalidParameter", "message": quotes},
            {"operation": "create", "kind": "status", "status": 500, "code": "InternalError", "message": quotes},
            {"operation": "create", "kind": "answer", "body": quotes, "content_type": "text/html"},
            {"operation": "create", "kind": "rate"},
        ):  # fmt: skip
            self.storm(**fault, times=1)
            self.create()
            self.tick()
        for fault in (
            {"operation": "list", "kind": "status", "status": 401, "code": "InvalidApiKey", "message": quotes},
            {"operation": "get", "kind": "status", "status": 500, "code": "InternalError", "message": quotes},
            {"operation": "list", "kind": "drop"}, {"operation": "get", "kind": "answer", "body": quotes},
            {"operation": "result", "kind": "cut", "at": 100}, {"operation": "result", "kind": "drop"},
            {"operation": "result", "kind": "status", "status": 403, "code": "AccessDenied", "message": quotes},
        ):  # fmt: skip
            self.storm(**fault, times=2)
        for suffix in ("#moderation", "#invalid", "#internal"):
            self.create(suffix=suffix)
        self.tick(5)
        for where in ({"object": "pending/*"}, {"object": "frames/*"}, {"object": "keys/*"}):
            self.world.storage.faults.add(method="POST", status=503, times=9, **where)
            self.create(status=503, headers={"Idempotency-Key": f"{WORD}-{where['object']}"})
            self.world.storage.faults.clear()
        self.world.storage.faults.add(method="GET", object="*", status=503, times=40)
        self.call("GET", f"/v1/videos/{self.jobs[0]}")
        self.tick()
        self.world.storage.faults.clear()

    def crashes(self):
        """Defects of ours whose text quotes everything that it has in hand."""
        url = self.link()

        def broken(*args, **_kwargs):
            raise RuntimeError(f"{args!r} {url} Bearer {self.key} {UPSTREAM_KEY}")

        with self.monkeypatch.context() as patch:
            patch.setattr(submitting, "choose", broken)
            self.create(status=500)
        with self.monkeypatch.context() as patch:
            patch.setattr(ticking, "_round", broken)
            self.create()
            self.tick()

    def others(self):
        logging.getLogger("urllib3").warning("retry of %s with Bearer %s", self.link(), self.key)
        body = {
            "model": "wan2.2-kf2v-flash",
            "input": {"prompt": PROMPT, "first_frame_url": self.link()},
        }
        for changes in ({}, {"input": {**body["input"], "last_frame_url": self.link()}}):
            self.call(
                "POST", "/api/v1/services/aigc/image2video/video-synthesis",
                json={**body, **changes}, headers={"X-DashScope-Async": "enable"},
            )  # fmt: skip
        self.call("GET", f"/api/v1/tasks/{PROMPT}")


def _wsgi(app):
    from lib.emulator.in_process import InProcess  # only here

    return InProcess(app)


@pytest.fixture(params=[True, False], ids=["json", "text"])
def form(request):
    """Logs as a service of this process writes them; afterwards as without one."""
    logs.setup(json_lines=request.param)
    yield request.param
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, logs._Libraries)]:
        root.removeHandler(handler)
    logs._style[0] = logs._Style()


@pytest.fixture
def day(form, make_world, monkeypatch, capfd):
    day = Day(make_world, monkeypatch)
    day.form = form
    for part in (day.strangers, day.mistakes, day.weather, day.crashes, day.others):
        part()
    day.world.clock.advance(3600)
    day.tick(12)
    printed = capfd.readouterr()
    day.out, day.err = printed.out, printed.err
    return day


def test_a_day_in_all_weathers_leaves_no_secret_where_it_does_not_belong(day):
    words = {PROMPT, NEGATIVE, NOTE, WORD, HOOK}
    assert len(day.errors) >= 35
    assert len(day.jobs) >= 10
    assert found(day.out, day.secrets | words | {"alice-the-owner"}) == []
    assert found(day.err, day.secrets | words | {"alice-the-owner"}) == []
    for body in day.errors:
        assert (
            found(body.replace("Bearer realm=", ""), day.secrets | {WORD, HOOK, "alice-the-owner"})
            == []
        ), body
    seen = set()
    for blob in day.world.bucket.list_blobs():
        text = f"{blob.name} {blob.metadata} " + blob.download_as_bytes().decode("utf-8", "replace")
        own = blob.name.startswith(("pending/", "jobs/"))
        seen.add(blob.name.partition("/")[0])
        assert found(text, day.secrets | {WORD} | (set() if own else words)) == [], blob.name
    assert {"pending", "jobs", "videos", "frames", "keys", "claims", "gates"} - seen <= {"pending"}
    for one in day.world.receivers.heard:
        text = f"{one.headers} {one.body.decode()}"
        assert found(text, day.secrets | words | {"alice-the-owner"}) == []
    assert {one.way for one in day.world.receivers.heard} >= {"ok", "500"}


def test_the_day_had_every_kind_of_weather(day):
    if not day.form:
        assert "request.crashed" in day.err
        return
    lines = [json.loads(line) for line in day.out.splitlines()]
    events = {line["event"] for line in lines}
    assert {
        "job.created", "job.completed", "request.refused", "request.failed", "request.crashed",
        "submit.unsure", "submit.refused", "submit.waits", "tick.crashed", "tick.done", "tick.list_failed",
        "library", "webhook.delivered", "webhook.failed",
    } <= events  # fmt: skip
    mine = {line.get("owner") for line in lines} - {None}
    assert mine == {logs.owner_hash("alice-the-owner")}
    crashed = [line for line in lines if line["severity"] == "ERROR"]
    assert all("RuntimeError" in line["stack_trace"] for line in crashed)
    assert all(line["severity"] in {"INFO", "WARNING", "ERROR"} for line in lines)
    assert all("request_id" in line for line in lines if line["event"] != "library")


def test_each_record_holds_its_own_words_only(make_world):
    """A prompt stands in the record of its job, and in no other one."""
    world = make_world()
    ids = [world.post(prompt=f"{PROMPT}-{n}").get_json()["id"] for n in range(4)]
    world.run(30)
    for blob in world.bucket.list_blobs():
        text = f"{blob.name} {blob.metadata} " + blob.download_as_bytes().decode("utf-8", "replace")
        for number, job in enumerate(ids):
            if f"{PROMPT}-{number}" in text:
                assert blob.name == f"jobs/local/{job}.json"


@pytest.mark.parametrize(
    "text",
    [
        "?X-Goog-Signature=3063c3", "&Signature=abc", "Authorization: Bearer abc", "sk-abcdef123",
        pytest.param(new_key()[0], id="an owner's key"), "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.x", f"a {PROMPT} b", PROMPT.upper(),
        base64.b64encode(PROMPT.encode()).decode(), urllib.parse.quote(PROMPT, safe=""),
    ],
)  # fmt: skip
def test_the_scan_finds_what_it_is_for(text):
    assert found(text, {PROMPT})


@pytest.mark.parametrize(
    "text", ["Bearer [struck out]", "X-Goog-Signature=[struck out]", "desk-top", "rib_1"]
)
def test_the_scan_lets_through_what_is_no_secret(text):
    assert found(text, {PROMPT}) == []


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Invalid API-key provided: sk-local-singapore.", "Invalid API-key provided: (a key)."),
        ("got 'Bearer abc.def'", "got '(a key)'"),
        ("no image at https://h/a.png?X-Goog-Signature=1&b=2 .", "no image at https://h/a.png ."),
        ("size 100*100 (risk-free)", "size 100*100 (risk-free)"),
        ("x" * 5000, "x" * 1000),
        (None, ""), ({"a": 1}, ""), (7, ""),
    ],
)  # fmt: skip
def test_what_the_upstream_says_is_kept_without_what_is_nobodys_to_read(said, kept):
    assert reader.sentence(said) == kept


def test_the_scan_sees_a_log_that_strikes_nothing_out(make_world, monkeypatch, capfd):
    monkeypatch.setattr(redaction, "RULES", ())
    day = Day(make_world, monkeypatch)
    day.crashes()
    assert {day.key, UPSTREAM_KEY} <= set(found(capfd.readouterr().out, day.secrets))
