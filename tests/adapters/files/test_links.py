"""V4 links: byte-equal to the client library's at the same instant, and honoured by the service."""

import datetime as dt
import json
import re
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.oauth2 import service_account
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.adapters.bucket.client import Bucket
from lib.adapters.files import signing
from lib.adapters.files.artifacts import Artifacts
from tests.world import BUCKET, STORAGE, signing_key

names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


def library_bucket(endpoint):
    client = storage.Client(
        project="x", credentials=AnonymousCredentials(), client_options={"api_endpoint": endpoint}
    )
    return client.bucket(BUCKET)


def artifacts(now, endpoint):
    key_file, _ = signing_key()
    return Artifacts(
        Bucket(library_bucket(endpoint), lambda _: None),
        signer=lambda: signing.key_file_signer(key_file),
        endpoint=endpoint,
        now=lambda: now,
        url_ttl_s=3600,
    )


@pytest.mark.parametrize("endpoint", [STORAGE, "https://storage.googleapis.com"])
@given(name=names, filename=st.sampled_from([None, "film.mp4"]))
@settings(max_examples=60, deadline=None)
def test_a_link_is_the_librarys_at_the_same_instant(endpoint, name, filename):
    key_file, _ = signing_key()
    data = json.loads(Path(key_file).read_text())
    credentials = service_account.Credentials.from_service_account_info(
        {**data, "token_uri": "https://t"}
    )
    theirs = (
        library_bucket(endpoint)
        .blob(name)
        .generate_signed_url(
            version="v4",
            expiration=dt.timedelta(seconds=3600),
            credentials=credentials,
            api_access_endpoint=endpoint,
            response_disposition=f'attachment; filename="{filename}"' if filename else None,
        )
    )
    stamp = re.search(r"X-Goog-Date=(\d+T\d+Z)", theirs)[1]
    moment = dt.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    ours = artifacts(moment.timestamp(), endpoint).link(name, filename=filename)
    assert ours.url == theirs
    assert ours.expires_at == moment.timestamp() + 3600


def test_a_link_dies_on_time_and_is_renewed(world):
    job = world.post().get_json()["id"]
    world.run()
    first = world.job(job)
    world.clock.advance(first["url_expires_at"] - world.clock.now() + 1)
    assert world.session().get(first["url"]).status_code == 400
    again = world.job(job)
    assert world.session().get(again["url"]).status_code == 200
    assert again["url"] != first["url"]


def test_the_film_outlives_the_upstreams_link_by_any_time(world):
    job = world.post().get_json()["id"]
    world.run()
    world.clock.advance(30 * 24 * 3600)
    assert world.session().get(world.job(job)["url"]).status_code == 200
