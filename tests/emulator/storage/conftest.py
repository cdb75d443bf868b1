"""An emulator in process, the real client on it, and a clock to move."""

import functools

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.oauth2 import service_account

from lib.emulator.clock import Clock
from lib.emulator.in_process import InProcess
from lib.emulator.storage import StorageApp

URL = "http://storage.test"
START = 1_790_000_000.0
EMAIL = "signer@local.iam.gserviceaccount.com"


@functools.cache
def account():
    """A throw-away account: (private PEM, public PEM)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


def signer():
    info = {"client_email": EMAIL, "private_key": account()[0], "token_uri": "https://unused"}
    return service_account.Credentials.from_service_account_info(info)


class Emulated:
    """One emulator with its client."""

    def __init__(self, data=None, clock=None):
        self.clock = clock or Clock(start=START)
        self.app = StorageApp(self.clock, data=data, signers={EMAIL: account()[1]})
        self.web = requests.Session()
        self.web.mount(URL, InProcess(self.app))
        self.client = storage.Client(
            project="local",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": URL},
            _http=self.web,
        )
        self.app.create_bucket("home")
        self.bucket = self.client.bucket("home")
        self.signer = signer()

    def write(self, name="object", data=b"content", **fields):
        blob = self.bucket.blob(name)
        for key, value in fields.items():
            setattr(blob, key, value)
        blob.upload_from_string(data)
        return blob

    def names(self):
        return [blob.name for blob in self.bucket.list_blobs()]

    def call(self, method, path, **options):
        return self.web.request(method, URL + path, **options)


@pytest.fixture
def emulated():
    return Emulated()


@pytest.fixture
def make_emulated():
    return Emulated


@pytest.fixture
def key_pair():
    return account()
