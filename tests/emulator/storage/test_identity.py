"""The cloud's way of signing, offline: metadata server, IAM's signBlob, a link that works."""

import datetime as dt

import google.auth
import pytest
import requests
from google.auth import iam, jwt
from google.auth.compute_engine import _metadata
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import TransportError
from google.auth.transport.requests import Request
from google.cloud import storage
from google.oauth2 import credentials as oauth2
from google.oauth2 import service_account

from lib.emulator.clock import Clock
from lib.emulator.in_process import InProcess
from lib.emulator.server import Server
from lib.emulator.storage import StorageApp
from lib.emulator.storage.identity import IdentityApp

EMAIL = "service@local.iam.gserviceaccount.com"
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]


@pytest.fixture
def identity(key_pair):
    return IdentityApp(Clock(), EMAIL, key_pair[0], project="film-project")


@pytest.fixture
def cloud(identity, monkeypatch):
    """A process that believes to be in the cloud."""
    with Server(identity) as server:
        host = server.url.removeprefix("http://")
        for name in ("GCE_METADATA_HOST", "GCE_METADATA_IP", "GCE_METADATA_ROOT"):
            monkeypatch.setenv(name, host)
        for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "NO_GCE_CHECK"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("CLOUDSDK_CONFIG", "/nonexistent")
        # google-auth reads this variable once, when it is imported.
        monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", host)
        session = requests.Session()
        session.mount("https://iamcredentials.googleapis.com", InProcess(identity))
        yield Request(session)


def test_the_default_credentials_are_found_and_refreshed(cloud):
    credentials, project = google.auth.default(scopes=SCOPES)
    assert project == "film-project"
    credentials.refresh(cloud)
    assert credentials.service_account_email == EMAIL
    assert credentials.valid


def test_a_link_signed_without_a_key_works(cloud, identity):
    credentials, _ = google.auth.default(scopes=SCOPES)
    credentials.refresh(cloud)
    signing = service_account.Credentials(
        signer=iam.Signer(cloud, credentials, EMAIL),
        service_account_email=EMAIL,
        token_uri="https://unused",
    )
    app = StorageApp(Clock())
    app.add_signer(EMAIL, identity.public_pem)
    app.create_bucket("home")
    session = requests.Session()
    session.mount("http://storage.test", InProcess(app))
    upload = "http://storage.test/upload/storage/v1/b/home/o?uploadType=media&name=film"
    session.post(upload, data=b"film")
    client = storage.Client(
        project="p",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": "http://storage.test"},
        _http=session,
    )
    url = (
        client.bucket("home")
        .blob("film")
        .generate_signed_url(
            version="v4",
            expiration=dt.timedelta(minutes=5),
            credentials=signing,
            api_access_endpoint="http://storage.test",
        )
    )
    assert session.get(url).content == b"film"
    assert session.get(url.replace("film", "milf")).status_code == 403


def test_a_token_that_is_made_up_does_not_sign(identity):
    session = requests.Session()
    session.mount("https://iamcredentials.googleapis.com", InProcess(identity))
    unknown = oauth2.Credentials("made-up")
    with pytest.raises(TransportError):
        iam.Signer(Request(session), unknown, EMAIL).sign(b"x")


def test_another_account_is_refused_and_tokens_age(key_pair):
    clock = Clock(start=1_790_000_000.0)
    session = requests.Session()
    session.mount("http://iam.test", InProcess(IdentityApp(clock, EMAIL, key_pair[0])))
    flavor = {"Metadata-Flavor": "Google"}
    token = session.get(
        "http://iam.test/computeMetadata/v1/instance/service-accounts/default/token", headers=flavor
    ).json()["access_token"]

    def sign(email):
        url = f"http://iam.test/v1/projects/-/serviceAccounts/{email}:signBlob"
        headers = {"Authorization": f"Bearer {token}"}
        return session.post(url, json={"payload": "eA=="}, headers=headers).status_code

    assert sign(EMAIL) == 200
    assert sign("somebody@else.example") == 403
    clock.advance(3601)
    assert sign(EMAIL) == 401


def test_the_metadata_server_wants_its_header(identity):
    session = requests.Session()
    session.mount("http://metadata.test", InProcess(identity))
    answer = session.get("http://metadata.test/computeMetadata/v1/project/project-id")
    assert answer.status_code == 403


def test_an_identity_token_names_audience_and_account(identity):
    session = requests.Session()
    session.mount("http://metadata.test", InProcess(identity))
    answer = session.get(
        "http://metadata.test/computeMetadata/v1/instance/service-accounts/default/identity",
        params={"audience": "https://poll.example"},
        headers={"Metadata-Flavor": "Google"},
    )
    claims = jwt.decode(answer.text, certs=identity.public_pem, audience="https://poll.example")
    assert claims["email"] == EMAIL
