"""IAM or its surroundings answer oddly: whoever asks for a link waits once, and is told; nothing else breaks."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from google.auth import _exponential_backoff
from google.auth.compute_engine import _metadata
from requests.adapters import BaseAdapter

from lib.adapters.files import signing
from lib.emulator.clock import Clock
from lib.emulator.in_process import InProcess
from lib.emulator.server import Server
from lib.emulator.storage.identity import IdentityApp
from tests.world import World, signing_key

ROLE = "roles/iam.serviceAccountTokenCreator"
IAM = "https://iamcredentials.googleapis.com"
DENIED = {
    "error": {
        "code": 403,
        "message": "Permission 'iam.serviceAccounts.signBlob' denied on resource (or it may not "
        "exist).",
        "status": "PERMISSION_DENIED",
    }
}
DISABLED = {
    "error": {
        "code": 403,
        "message": "IAM Service Account Credentials API has not been used in project 1 before or "
        "it is disabled.",
        "status": "PERMISSION_DENIED",
        "details": [{"reason": "SERVICE_DISABLED"}],
    }
}


class Surroundings:
    """A metadata server and IAM, either of which can be in trouble; counts what IAM is asked."""

    def __init__(self):
        account = json.loads(Path(signing_key()[0]).read_text())
        self.true = IdentityApp(Clock(), account["client_email"], account["private_key"])
        self.metadata = self.iam = None
        self.signatures = 0

    def __call__(self, environ, start_response):
        signing_asked = environ["PATH_INFO"].endswith(":signBlob")
        self.signatures += signing_asked
        token_asked = environ["PATH_INFO"].endswith("/token")
        trouble = self.iam if signing_asked else self.metadata if token_asked else None
        if trouble is None:
            return self.true(environ, start_response)
        status, body = trouble
        start_response(f"{status} Odd", [("Content-Type", "application/json")])
        return [body if isinstance(body, bytes) else json.dumps(body).encode()]


class Silent(BaseAdapter):
    """A host that takes a request and says nothing until its time is over."""

    def __init__(self, around):
        super().__init__()
        self.around = around

    def send(self, _request, **_options):
        self.around.signatures += 1
        raise requests.ReadTimeout("no answer in 10 s")

    def close(self):
        pass


class Cloud(World):
    """A world that signs over IAM, as in the cloud."""

    def __init__(self, film, around):
        self.around, self.silent = around, False
        super().__init__(film, draw=lambda: (1.0, 20.0), env={"SIGNING_KEY_FILE": ""})

    def session(self):
        session = super().session()
        transport = Silent(self.around) if self.silent else InProcess(self.around)
        session.mount(IAM, transport)
        return session

    def later(self):
        """After the time in which nobody is asked again."""
        self.clock.advance(6)

    def films(self, count):
        made = [self.post(prompt=f"rain {n}").get_json()["id"] for n in range(count)]
        self.run(200)
        return made


@pytest.fixture
def around(monkeypatch):
    one = Surroundings()
    monkeypatch.setattr(_exponential_backoff, "time", SimpleNamespace(sleep=lambda _s: None))
    with Server(one) as server:
        host = server.url.removeprefix("http://")
        for name in ("GCE_METADATA_HOST", "GCE_METADATA_IP", "GCE_METADATA_ROOT"):
            monkeypatch.setenv(name, host)
        monkeypatch.setenv("CLOUDSDK_CONFIG", "/nonexistent")
        monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
        monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", host)
        yield one


@pytest.fixture
def cloud(make_film, around):
    return Cloud(make_film, around)


TROUBLE = {
    "the role is missing": (403, DENIED),
    "the API is off": (403, DISABLED),
    "too many signatures": (429, {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}),
    "IAM is down": (503, b"try later"),
    "a page": (200, b"<html>sign in</html>"),
    "no signature": (200, {}),
    "an empty signature": (200, {"signedBlob": ""}),
    "a short signature": (200, {"signedBlob": "bm8="}),
    "a number": (200, {"signedBlob": 7}),
    "a list": (200, []),
    "no base64": (200, {"signedBlob": "!"}),
    "nothing": (200, b""),
}


def everything(cloud, job_id):
    """Every call that signs, and what each of them may say while nobody does."""
    job = cloud.job(job_id)
    assert (job["status"], job["url"], job["url_expires_at"]) == ("completed", None, None)
    assert any("cannot sign a link" in sentence for sentence in job["warnings"])
    listed = cloud.client.get("/v1/videos?limit=100")
    assert listed.status_code == 200
    assert {row["url"] for row in listed.get_json()["data"]} == {None}
    made = cloud.post(prompt="another")
    assert (made.status_code, made.get_json()["waiting_for"]) == (202, "signing_unavailable")
    for path in (
        f"/v1/videos/{job_id}/content",
        f"/v1/videos/{job_id}/content?variant=first_frame",
    ):
        answer = cloud.client.get(path)
        assert answer.status_code == 503
        assert answer.get_json()["error"]["code"] == "signing_unavailable"
        assert 0 < int(answer.headers["Retry-After"]) <= 5
    upload = cloud.client.post("/v1/uploads", json={"content_type": "image/png"})
    assert (upload.status_code, upload.get_json()["error"]["code"]) == (503, "signing_unavailable")
    task = cloud.client.get(f"/api/v1/tasks/{job_id}")
    assert (task.status_code, task.get_json()["code"]) == (503, "ServiceUnavailable")
    assert cloud.client.get("/api/v1/tasks").status_code == 200
    cloud.tick()
    return made.get_json()["id"]


def lines(capsys, name="link.unsigned"):
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line for line in told if json.loads(line)["event"] == name]


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
def test_whatever_iam_answers_reads_go_on_and_links_are_told_to_wait(
    cloud, around, trouble, capsys
):
    (job_id,) = cloud.films(1)
    capsys.readouterr()
    around.iam = trouble
    cloud.later()
    waiting = everything(cloud, job_id)
    told = lines(capsys)
    assert len(told) == 1
    around.iam = None
    cloud.later()
    assert cloud.job(job_id)["url"]
    cloud.run()
    assert cloud.job(waiting)["status"] == "completed"
    assert len(cloud.paid()) == 2


def test_a_signer_that_says_nothing(cloud, around):
    (job_id,) = cloud.films(1)
    cloud.silent = True
    cloud.deploy({})
    everything(cloud, job_id)


@pytest.mark.parametrize("trouble", [(404, b"no account"), (200, b"junk"), (200, {})])
def test_no_token_of_the_metadata_server(cloud, around, trouble):
    (job_id,) = cloud.films(1)
    around.metadata = trouble
    cloud.deploy({})
    everything(cloud, job_id)


def test_somebody_who_cannot_sign(cloud, around, tmp_path, monkeypatch, capsys):
    """A person's own credentials have a token and no account that signs."""
    (job_id,) = cloud.films(1)
    person = {"type": "authorized_user", "client_id": "a", "client_secret": "b"}
    file = tmp_path / "person.json"
    file.write_text(json.dumps({**person, "refresh_token": "c"}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))

    def token(_environ, start_response):
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"access_token": "t", "expires_in": 3600}).encode()]

    real = cloud.session

    def session():
        made = real()
        made.mount("https://oauth2.googleapis.com", InProcess(token))
        return made

    monkeypatch.setattr(cloud, "session", session)
    cloud.deploy({})
    capsys.readouterr()
    everything(cloud, job_id)
    (line,) = lines(capsys)
    assert "service account" in line


def test_a_page_of_a_hundred_films_waits_for_one_signature_that_does_not_come(cloud, around):
    cloud.films(8)
    around.iam = (403, DENIED)
    cloud.later()
    around.signatures = 0
    for _ in range(5):
        rows = cloud.client.get("/v1/videos?limit=100").get_json()["data"]
        assert {row["url"] for row in rows} == {None}
    assert around.signatures == 1
    cloud.later()
    cloud.client.get("/v1/videos?limit=100")
    assert around.signatures == 2


def test_a_tick_with_many_jobs_asks_once(cloud, around):
    around.iam = (403, DENIED)
    for n in range(6):
        cloud.post(prompt=str(n))
    cloud.later()
    around.signatures = 0
    began = cloud.clock.now()
    cloud.tick()
    assert around.signatures <= 1 + (cloud.clock.now() - began) / 5


def test_the_log_names_the_missing_role_once_a_minute(cloud, around, capsys):
    (job_id,) = cloud.films(1)
    around.iam = (403, DENIED)
    cloud.later()
    capsys.readouterr()
    for _ in range(9):
        cloud.job(job_id)
        cloud.later()
    (line,) = lines(capsys)
    assert ROLE in line
    assert "local@inbetween.iam.gserviceaccount.com" in line
    cloud.clock.advance(60)
    cloud.job(job_id)
    assert len(lines(capsys)) == 1


@pytest.mark.parametrize(
    ("trouble", "words"),
    [((403, DENIED), ROLE), ((403, DISABLED), "iamcredentials.googleapis.com"), ((503, b""), "")],
)
def test_ready_tells_and_asks_seldom(cloud, around, trouble, words):
    for _ in range(5):
        assert cloud.client.get("/ready").get_json() == {"status": "ready"}
    assert around.signatures == 1
    cloud.clock.advance(60)
    assert cloud.client.get("/ready").status_code == 200
    assert around.signatures == 1
    around.iam = trouble
    cloud.clock.advance(3600)
    around.signatures = 0
    for _ in range(5):
        answer = cloud.client.get("/ready")
        error = answer.get_json()["error"]
        assert (answer.status_code, error["code"]) == (503, "signing_unavailable")
        assert words in error["message"]
        assert "gserviceaccount" not in error["message"]
    assert around.signatures in {1, 3}  # one try; google-auth itself repeats a 503
    assert cloud.client.get("/health").status_code == 200
    around.iam = None
    cloud.clock.advance(11)
    assert cloud.client.get("/ready").get_json() == {"status": "ready"}


def test_ready_hears_of_a_signature_that_somebody_else_did_not_get(cloud, around):
    (job_id,) = cloud.films(1)
    assert cloud.client.get("/ready").status_code == 200
    around.iam = (403, DENIED)
    cloud.clock.advance(11)
    cloud.job(job_id)
    assert cloud.client.get("/ready").status_code == 503


def test_ready_tells_of_a_key_file_too(make_film, tmp_path):
    world = World(make_film)
    assert world.client.get("/ready").status_code == 200
    world.deploy({"SIGNING_KEY_FILE": str(tmp_path / "none.json")})
    answer = world.client.get("/ready")
    assert answer.status_code == 503
    assert "SIGNING_KEY_FILE" in answer.get_json()["error"]["message"]


def test_an_account_without_an_address_signs_nothing(around, monkeypatch):
    around.true._email = "default"
    session = requests.Session()
    session.mount(IAM, InProcess(around))
    with pytest.raises(ValueError, match="service account"):
        signing.iam_signer(session)
