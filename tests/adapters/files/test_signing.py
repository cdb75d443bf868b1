"""Who signs links: a key file here, IAM over one kept connection in the cloud."""

import json
from pathlib import Path

import requests
from google.auth.compute_engine import _metadata
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from lib.adapters.bucket.client import Bucket
from lib.adapters.files import signing
from lib.adapters.files.artifacts import Artifacts
from lib.emulator.clock import Clock
from lib.emulator.in_process import InProcess
from lib.emulator.server import Server
from lib.emulator.storage import StorageApp
from lib.emulator.storage.identity import IdentityApp
from tests.world import BUCKET, STORAGE, signing_key


def library_bucket(endpoint):
    client = storage.Client(
        project="x", credentials=AnonymousCredentials(), client_options={"api_endpoint": endpoint}
    )
    return client.bucket(BUCKET)


def test_in_the_cloud_iam_signs_over_one_kept_connection(monkeypatch):
    """The code path of the cloud, against an emulated metadata server and an emulated IAM."""
    key_file, public = signing_key()
    account = json.loads(Path(key_file).read_text())
    clock = Clock()
    identity = IdentityApp(clock, account["client_email"], account["private_key"])
    app = StorageApp(clock, signers={account["client_email"]: public})
    app.create_bucket(BUCKET)
    session = requests.Session()
    session.mount("https://iamcredentials.googleapis.com", InProcess(identity))
    session.mount(STORAGE, InProcess(app))
    with Server(identity) as server:
        host = server.url.removeprefix("http://")
        for name in ("GCE_METADATA_HOST", "GCE_METADATA_IP", "GCE_METADATA_ROOT"):
            monkeypatch.setenv(name, host)
        monkeypatch.setenv("CLOUDSDK_CONFIG", "/nonexistent")
        monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
        # google-auth reads this variable once, when it is imported.
        monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", host)
        signer = signing.iam_signer(session)
        assert signer.email == account["client_email"]
        links = Artifacts(
            Bucket(library_bucket(STORAGE), lambda _: None),
            signer=lambda: signer,
            endpoint=STORAGE,
            now=clock.now,
            url_ttl_s=3600,
        )
        upload = f"{STORAGE}/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name=film"
        session.post(upload, data=b"film")
        url = links.link("film").url
    assert session.get(url).content == b"film"
    assert session.get(url.replace("film", "fiim")).status_code == 403
