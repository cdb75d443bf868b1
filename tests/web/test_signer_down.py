"""Nobody signs links for a while: creates are taken, reads answer without a link, nothing is in doubt."""

import shutil
from pathlib import Path

import pytest
from google.auth import exceptions
from google.cloud import storage

from lib.adapters.bucket.client import Bucket
from lib.adapters.files.artifacts import Artifacts
from lib.adapters.files.trouble import AGAIN_S
from lib.core import errors
from lib.core.errors import ApiError
from tests.world import BUCKET, START, World, signing_key


class Town(World):
    """A world whose signing key can be taken away and put back."""

    def __init__(self, film, folder, **options):
        self.key_file = Path(folder, "key.json")
        self.mend()
        super().__init__(film, env={"SIGNING_KEY_FILE": str(self.key_file)}, **options)

    def mend(self):
        """Put it back, and let the seconds pass in which nobody tries it again."""
        shutil.copy(signing_key()[0], self.key_file)
        if hasattr(self, "clock"):
            self.clock.advance(AGAIN_S)

    def lose_signer(self, text=None):
        """A fresh instance that finds no key, or junk in its place."""
        self.key_file.unlink()
        if text is not None:
            self.key_file.write_text(text)
        self.deploy({})


@pytest.fixture
def town(make_film, tmp_path):
    return Town(make_film, tmp_path, draw=lambda: (1.0, 20.0))


JUNK = [
    None,
    "",
    "[]",
    "7",
    '{"client_email": "a@b"}',
    '{"client_email": "a", "private_key": "no"}',
]


@pytest.mark.parametrize("text", JUNK)
def test_a_create_is_taken_and_sent_when_somebody_signs_again(town, text):
    town.lose_signer(text)
    answer = town.post()
    assert answer.status_code == 202, answer.get_json()
    job = answer.get_json()
    assert (job["status"], job["stage"]) == ("queued", "queued")
    assert job["waiting_for"] == "signing_unavailable"
    assert town.paid() == []
    town.tick()
    assert town.job(job["id"])["stage"] == "queued"
    assert town.paid() == []
    town.mend()
    town.run()
    assert town.job(job["id"])["status"] == "completed"
    assert len(town.paid()) == 1


def test_a_client_that_repeats_until_it_is_answered_pays_once(town):
    """It saw a 500 here and posted again, and both were paid."""
    town.lose_signer()
    answers = [town.post()]
    town.mend()
    while answers[-1].status_code != 202:
        answers.append(town.post())
    town.run()
    assert town.job(answers[-1].get_json()["id"])["status"] == "completed"
    assert len(town.paid()) == 1


def test_reads_say_that_no_link_can_be_signed(town):
    job_id = town.post().get_json()["id"]
    town.run()
    assert town.job(job_id)["url"]
    town.lose_signer()
    job = town.job(job_id)
    assert (job["status"], job["url"], job["url_expires_at"]) == ("completed", None, None)
    assert any("cannot sign a link" in sentence for sentence in job["warnings"])
    (row,) = town.client.get("/v1/videos").get_json()["data"]
    assert (row["url"], row["warnings"]) == (None, job["warnings"])
    key = {"Idempotency-Key": "k"}
    again = [town.post(headers=key, prompt="x").status_code for _ in range(2)]
    assert again == [202, 202]
    content = town.client.get(f"/v1/videos/{job_id}/content")
    assert content.status_code == 503
    assert content.get_json()["error"]["code"] == "signing_unavailable"
    assert content.headers["Retry-After"]
    assert town.client.post("/v1/uploads", json={"content_type": "image/png"}).status_code == 503
    task = town.client.get(f"/api/v1/tasks/{job_id}")
    assert task.status_code == 503  # the SDKs wait and ask again; a 200 without a link ends them
    assert task.get_json()["code"] == "ServiceUnavailable"
    town.mend()
    assert town.job(job_id)["url"]
    assert not any("sign" in sentence for sentence in town.job(job_id)["warnings"])


def test_a_replay_of_a_film_answers_without_its_link(town):
    key = {"Idempotency-Key": "k"}
    job_id = town.post(headers=key).get_json()["id"]
    town.run()
    town.lose_signer()
    again = town.post(headers=key)
    assert (again.status_code, again.get_json()["id"]) == (202, job_id)
    assert again.get_json()["url"] is None


@pytest.mark.parametrize(
    "error",
    [
        *(
            kind("no")
            for kind in vars(exceptions).values()
            if isinstance(kind, type) and issubclass(kind, exceptions.GoogleAuthError)
        ),
        ValueError("no"),
        OSError("no"),
        KeyError("signedBlob"),
        AttributeError("service_account_email"),
    ],
    ids=repr,
)
def test_whatever_a_signer_raises_is_one_kind(error):
    def signer():
        raise error

    artifacts = Artifacts(
        Bucket(storage.Client.create_anonymous_client().bucket(BUCKET), lambda _: None),
        signer=signer,
        endpoint="https://storage.googleapis.com",
        now=lambda: START,
        url_ttl_s=3600,
    )
    calls = [
        lambda: artifacts.link("a"),
        lambda: artifacts.steady_link("a"),
        lambda: artifacts.upload_link("a", "image/png", limit_bytes=1, ttl_s=1),
    ]
    for call in calls:
        with pytest.raises(ApiError) as raised:
            call()
        assert raised.value.kind is errors.SIGNING_UNAVAILABLE
        assert type(error).__name__ in raised.value.message
