"""V4 signatures, written out: byte-equal to the client library's at the same instant."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.oauth2 import service_account
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.adapters.files import signing, v4
from tests.world import BUCKET, START, STORAGE, signing_key


def opened(world, **fields):
    answer = world.client.post("/v1/uploads", json={"content_type": "image/png", **fields})
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()


def test_a_link_is_the_librarys_at_the_same_instant(world, monkeypatch):
    upload = opened(world)
    key_file, _ = signing_key()
    data = json.loads(Path(key_file).read_text()) | {"token_uri": "https://t"}
    client = storage.Client(
        project="x", credentials=AnonymousCredentials(), client_options={"api_endpoint": STORAGE}
    )
    moment = datetime.fromtimestamp(START, UTC)
    from google.cloud.storage import _signing  # the one test that sets its clock

    stamp = moment.strftime("%Y%m%dT%H%M%SZ")
    monkeypatch.setattr(_signing, "get_v4_now_dtstamps", lambda: (stamp, stamp[:8]))
    monkeypatch.setattr(_signing, "_NOW", lambda _zone: moment)
    theirs = (
        client.bucket(BUCKET)
        .blob(upload["frame"].removeprefix(f"gs://{BUCKET}/"))
        .generate_signed_url(
            version="v4",
            expiration=timedelta(seconds=900),
            method="PUT",
            headers=upload["headers"],
            credentials=service_account.Credentials.from_service_account_info(data),
        )
    )
    assert upload["url"] == theirs


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from(["x-goog-a", "X-Goog-B", "Content-Type"]), st.text("ab ")))
def test_blanks_in_signed_headers_count_once(headers):
    signer = signing.key_file_signer(signing_key()[0])
    wide = {name: value.replace(" ", "   ") for name, value in headers.items()}
    links = [
        v4.sign_v4(signer, STORAGE, "/b/o", {"X-Goog-Expires": "9"}, now=9, headers=given_)
        for given_ in (headers, wide)
    ]
    assert links[0] == links[1]
