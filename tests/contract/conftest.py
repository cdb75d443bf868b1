"""The contract suite: what Cloud Storage promises, asked of any endpoint.

By default the endpoint is an emulator of ours on a loopback port. `--contract-url URL` (or
CONTRACT_URL) asks another server instead: another emulator, or the service itself with

    CONTRACT_URL=https://storage.googleapis.com CONTRACT_BUCKET=mine CONTRACT_KEY_FILE=key.json

CONTRACT_SIGNER_FILE names a key file that signs links only, for an emulator that knows its public
half. Every check names the page of the public documentation that its expectation comes from.
"""

import contextlib
import dataclasses
import json
import os
import secrets
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.api_core.exceptions import GoogleAPICallError
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.cloud.storage.exceptions import InvalidResponse
from google.cloud.storage.retry import DEFAULT_RETRY
from google.oauth2 import service_account
from requests.adapters import HTTPAdapter

from lib.emulator.callers import Callers
from lib.emulator.clock import Clock
from lib.emulator.server import Server
from lib.emulator.storage import StorageApp

EMAIL = "contract@emulated.iam.gserviceaccount.com"
TIMEOUT_S = 10.0

HERE = Path(__file__).parent


def pytest_addoption(parser):
    parser.addoption("--contract-url", help="the storage endpoint that the contract is asked of")


def pytest_configure(config):
    config.addinivalue_line("markers", "page(url): the documentation that a check comes from")


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("page") is None:
            raise pytest.UsageError(f"{item.nodeid} names no page of the documentation")


def new_key():
    """A throw-away account: (service account info, public PEM)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    info = {
        "client_email": EMAIL,
        "private_key": private.decode(),
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return info, public.decode()


class ShortTimeouts(HTTPAdapter):
    """A server that hangs must fail its check, not the whole run."""

    def send(self, request, **options):
        return super().send(request, **{**options, "timeout": TIMEOUT_S})


@dataclasses.dataclass
class Endpoint:
    """Where the contract is asked, and with whose name."""

    url: str
    client: storage.Client
    signer: service_account.Credentials
    web: requests.Session

    def json(self, method, path, **options):
        """A call of the JSON API that the client has no word for."""
        return self.client._http.request(method, f"{self.url}{path}", **options)

    def put(self, url, **options):
        return self.web.put(url, **options)

    def get(self, url, **options):
        return self.web.get(url, **options)


@pytest.fixture(scope="session")
def endpoint(request):
    url = request.config.getoption("--contract-url", None) or os.environ.get("CONTRACT_URL")
    info, _ = new_key()
    with_key = "CONTRACT_KEY_FILE" in os.environ
    if path := os.environ.get("CONTRACT_KEY_FILE" if with_key else "CONTRACT_SIGNER_FILE"):
        info = json.loads(Path(path).read_text("utf-8"))
    with contextlib.ExitStack() as stack:
        if not url:
            info, public = new_key()
            app = StorageApp(Clock(), signers={EMAIL: public})
            # The suite asks under other names and for other pages, as nobody may on a laptop.
            anybody = Callers(hosts=("evil.example",), origins=("*",))
            url = stack.enter_context(Server(app, callers=anybody)).url
        url = url.rstrip("/")
        timeout, DEFAULT_RETRY._timeout = DEFAULT_RETRY._timeout, TIMEOUT_S
        stack.callback(setattr, DEFAULT_RETRY, "_timeout", timeout)
        signer = service_account.Credentials.from_service_account_info(info)
        scopes = ["https://www.googleapis.com/auth/devstorage.full_control"]
        client = storage.Client(
            project=info.get("project_id", "contract"),
            credentials=signer.with_scopes(scopes) if with_key else AnonymousCredentials(),
            client_options={"api_endpoint": url},
        )
        web = stack.enter_context(requests.Session())
        web.trust_env = False
        stack.callback(client.close)
        for session in (client._http, web):
            session.mount("http://", ShortTimeouts(pool_maxsize=64))
        yield Endpoint(url, client, signer, web)


@pytest.fixture(scope="session")
def home(endpoint):
    """The bucket of the run, emptied afterwards."""
    name = os.environ.get("CONTRACT_BUCKET")
    if name:
        bucket = endpoint.client.bucket(name)
    else:
        bucket = endpoint.client.create_bucket(f"contract-{uuid.uuid4().hex[:12]}")
    run = f"contract-{secrets.token_hex(4)}"
    yield bucket, run
    for blob in list(bucket.list_blobs(prefix=run)):
        with contextlib.suppress(Exception):
            blob.delete()
    if not name:
        with contextlib.suppress(Exception):
            bucket.delete()


class Space:
    """A prefix of a check's own, so that checks do not meet."""

    def __init__(self, endpoint, bucket, prefix):
        self.endpoint, self.bucket, self.prefix = endpoint, bucket, prefix

    def blob(self, name="object", **options):
        return self.bucket.blob(self.prefix + name, **options)

    def write(self, name="object", data=b"content", content_type="text/plain", **fields):
        blob = self.blob(name)
        for key, value in fields.items():
            setattr(blob, key, value)
        blob.upload_from_string(data, content_type=content_type)
        return blob

    def fresh(self, name="object"):
        """What the server says now."""
        return self.bucket.get_blob(self.prefix + name)

    def names(self, **options):
        prefix = self.prefix + options.pop("prefix", "")
        blobs = self.bucket.list_blobs(prefix=prefix, **options)
        return [blob.name.removeprefix(self.prefix) for blob in blobs]

    def path(self, name="object"):
        return f"{self.bucket.path.replace('/b/', '/storage/v1/b/')}/o/{requests.utils.quote(self.prefix + name, safe='')}"

    def uploads(self):
        return f"/upload/storage/v1/b/{self.bucket.name}/o"

    def sign(self, blob, method="GET", expiration=3600, **options):
        return blob.generate_signed_url(
            version="v4",
            method=method,
            expiration=expiration,
            credentials=options.pop("credentials", self.endpoint.signer),
            api_access_endpoint=self.endpoint.url,
            **options,
        )


@pytest.fixture
def space(endpoint, home, request):
    bucket, run = home
    return Space(endpoint, bucket, f"{run}/{uuid.uuid4().hex[:8]}/")


@contextlib.contextmanager
def refused(*statuses):
    """The block must fail with one of these HTTP statuses."""
    with pytest.raises((GoogleAPICallError, InvalidResponse)) as caught:
        yield
    error = caught.value
    code = error.code if isinstance(error, GoogleAPICallError) else error.response.status_code
    assert int(code) in statuses, f"{code} instead of {statuses}: {error}"


def together(count, work):
    """Run `work(number)` in threads that start at one moment; exceptions are results."""
    gate = threading.Barrier(count)

    def one(number):
        gate.wait(30)
        try:
            return work(number)
        except Exception as error:  # noqa: BLE001 - a loser's error is its result
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@pytest.fixture(name="refused")
def _refused():
    return refused


@pytest.fixture(name="together")
def _together():
    return together


@pytest.fixture(name="new_key")
def _new_key():
    return new_key
