"""Buckets: a life from create to delete, settings, CORS as a browser meets it."""

import uuid

import pytest

DOCS = "https://cloud.google.com/storage/docs"
pytestmark = pytest.mark.page(f"{DOCS}/json_api/v1/buckets")

ORIGIN = "https://studio.example"


@pytest.fixture
def own(endpoint):
    """A bucket of the check's own."""
    bucket = endpoint.client.create_bucket(f"contract-{uuid.uuid4().hex[:16]}")
    yield bucket
    bucket = endpoint.client.lookup_bucket(bucket.name)
    if bucket is not None:
        for blob in list(bucket.list_blobs()):
            blob.delete()
        bucket.delete()


def test_a_new_bucket_can_be_read(endpoint, own):
    found = endpoint.client.get_bucket(own.name)
    assert found.name == own.name
    assert found.metageneration == 1
    assert found.time_created is not None
    assert own.exists()


@pytest.mark.page(f"{DOCS}/json_api/v1/buckets/insert")
def test_a_bucket_cannot_be_made_twice(endpoint, own, refused):
    with refused(409):
        endpoint.client.create_bucket(own.name)


@pytest.mark.page(f"{DOCS}/buckets#naming")
@pytest.mark.parametrize("name", ["UPPER-CASE", "ab", "-dash", "under score", "x" * 300])
def test_a_bad_bucket_name_is_refused(endpoint, refused, name):
    body = {"name": name}
    answer = endpoint.json("POST", "/storage/v1/b", params={"project": "contract"}, json=body)
    assert answer.status_code == 400


@pytest.mark.page(f"{DOCS}/json_api/v1/buckets/list")
def test_buckets_are_listed(endpoint, own):
    names = [bucket.name for bucket in endpoint.client.list_buckets(prefix=own.name)]
    assert names == [own.name]


def test_a_bucket_that_is_not_there(endpoint, refused):
    assert endpoint.client.lookup_bucket("no-such-bucket-7f3a9c") is None
    assert not endpoint.client.bucket("no-such-bucket-7f3a9c").exists()
    with refused(404):
        endpoint.client.get_bucket("no-such-bucket-7f3a9c")


@pytest.mark.page(f"{DOCS}/json_api/v1/buckets/delete")
def test_a_bucket_with_objects_cannot_be_deleted(own, refused):
    own.blob("x").upload_from_string(b"x")
    with refused(409):
        own.delete()
    own.blob("x").delete()
    own.delete()
    assert not own.exists()


@pytest.mark.page(f"{DOCS}/json_api/v1/buckets/patch")
def test_labels_are_set_changed_and_removed(endpoint, own):
    own.labels = {"team": "film", "stage": "dev"}
    own.patch()
    own.labels = {"team": "film", "stage": "prod"}
    own.patch()
    assert endpoint.client.get_bucket(own.name).labels == {"team": "film", "stage": "prod"}
    own.labels = {"team": "film"}
    own.patch()
    assert endpoint.client.get_bucket(own.name).labels == {"team": "film"}


@pytest.mark.page(f"{DOCS}/request-preconditions")
def test_a_bucket_patch_under_a_stale_metageneration_is_refused(endpoint, own, refused):
    own.labels = {"a": "1"}
    own.patch(if_metageneration_match=1)
    own.labels = {"a": "2"}
    with refused(412):
        own.patch(if_metageneration_match=1)
    found = endpoint.client.get_bucket(own.name)
    assert (found.labels, found.metageneration) == ({"a": "1"}, 2)


@pytest.mark.page(f"{DOCS}/lifecycle")
def test_lifecycle_rules_are_kept(endpoint, own):
    own.add_lifecycle_delete_rule(age=7, matches_prefix=["tmp/"])
    own.patch()
    rules = list(endpoint.client.get_bucket(own.name).lifecycle_rules)
    assert [rule["action"]["type"] for rule in rules] == ["Delete"]
    assert rules[0]["condition"] == {"age": 7, "matchesPrefix": ["tmp/"]}


@pytest.mark.page(f"{DOCS}/storage-classes")
def test_objects_take_the_class_of_their_bucket(endpoint, own):
    own.delete()
    own.storage_class = "NEARLINE"
    own.create()
    own.blob("x").upload_from_string(b"x")
    assert own.get_blob("x").storage_class == "NEARLINE"


@pytest.fixture
def shared(own):
    own.cors = [
        {
            "origin": [ORIGIN],
            "method": ["GET", "HEAD", "PUT"],
            "responseHeader": ["Content-Type", "Content-Range"],
            "maxAgeSeconds": 600,
        }
    ]
    own.patch()
    own.blob("film").upload_from_string(b"film", content_type="video/mp4")
    return own


def signed(endpoint, bucket, method="GET", **options):
    return bucket.blob("film").generate_signed_url(
        version="v4",
        method=method,
        expiration=600,
        credentials=endpoint.signer,
        api_access_endpoint=endpoint.url,
        **options,
    )


def preflight(endpoint, bucket, origin=ORIGIN, method="GET", headers=""):
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        asked["Access-Control-Request-Headers"] = headers
    return endpoint.web.options(signed(endpoint, bucket), headers=asked)


@pytest.mark.page(f"{DOCS}/cross-origin")
def test_cors_rules_are_kept(endpoint, shared):
    found = endpoint.client.get_bucket(shared.name).cors
    assert found[0]["origin"] == [ORIGIN]
    assert found[0]["maxAgeSeconds"] == 600


@pytest.mark.page(f"{DOCS}/cross-origin#server-side-support")
def test_a_preflight_of_the_allowed_origin_is_granted(endpoint, shared):
    answer = preflight(endpoint, shared, headers="content-type")
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "GET" in answer.headers["Access-Control-Allow-Methods"]
    assert "content-type" in answer.headers["Access-Control-Allow-Headers"].lower()
    assert answer.headers["Access-Control-Max-Age"] == "600"


@pytest.mark.page(f"{DOCS}/cross-origin#server-side-support")
@pytest.mark.parametrize(
    "asked",
    [{"origin": "https://evil.example"}, {"method": "DELETE"}, {"headers": "x-secret"}],
    ids=["origin", "method", "header"],
)
def test_any_other_preflight_is_not_granted(endpoint, shared, asked):
    answer = preflight(endpoint, shared, **asked)
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.page(f"{DOCS}/cross-origin#server-side-support")
def test_an_answer_names_the_allowed_origin(endpoint, shared):
    answer = endpoint.get(signed(endpoint, shared), headers={"Origin": ORIGIN})
    assert answer.content == b"film"
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Content-Range" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.page(f"{DOCS}/cross-origin#server-side-support")
def test_an_answer_to_another_origin_names_none(endpoint, shared):
    answer = endpoint.get(signed(endpoint, shared), headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.page(f"{DOCS}/cross-origin#server-side-support")
def test_a_bucket_without_rules_grants_nothing(endpoint, own):
    own.blob("film").upload_from_string(b"film")
    assert "Access-Control-Allow-Origin" not in preflight(endpoint, own).headers
