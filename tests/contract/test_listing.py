"""Listing: order, prefixes, pages and projections."""

import pytest

DOCS = "https://cloud.google.com/storage/docs"
pytestmark = pytest.mark.page(f"{DOCS}/json_api/v1/objects/list")

TREE = ["a", "a/1", "a/2", "a/b/3", "b/", "b/4", "c", "d//5"]


@pytest.fixture
def tree(space):
    for name in TREE:
        space.write(name, name.encode())
    return space


def page(space, **params):
    params = {"prefix": space.prefix, **params}
    path = f"/storage/v1/b/{space.bucket.name}/o"
    return space.endpoint.json("GET", path, params=params)


def test_everything_in_name_order(tree):
    assert tree.names() == TREE


def test_the_order_is_that_of_utf8_bytes(space):
    names = ["Z", "a", "z", "ä", "\uff5e", "\U00010000"]
    for name in reversed(names):
        space.write(name)
    assert space.names() == names


def test_a_prefix(tree):
    assert tree.names(prefix="a") == ["a", "a/1", "a/2", "a/b/3"]
    assert tree.names(prefix="a/") == ["a/1", "a/2", "a/b/3"]
    assert tree.names(prefix="nothing") == []


def folded(space, **options):
    prefix = space.prefix + options.pop("prefix", "")
    found = space.bucket.list_blobs(prefix=prefix, **options)
    names = [blob.name.removeprefix(space.prefix) for blob in found]
    return names, sorted(name.removeprefix(space.prefix) for name in found.prefixes)


def test_a_delimiter_folds(tree):
    assert folded(tree, delimiter="/") == (["a", "c"], ["a/", "b/", "d/"])


def test_a_delimiter_folds_below_a_prefix(tree):
    assert folded(tree, prefix="a/", delimiter="/") == (["a/1", "a/2"], ["a/b/"])


def test_an_object_named_as_the_prefix_is_an_item(tree):
    assert folded(tree, prefix="b/", delimiter="/") == (["b/", "b/4"], [])


def test_a_longer_delimiter(tree):
    assert folded(tree, delimiter="//")[1] == ["d//"]


def test_trailing_delimiters_can_be_included(tree):
    names, prefixes = folded(tree, delimiter="/", include_trailing_delimiter=True)
    assert names == ["a", "b/", "c"]
    assert prefixes == ["a/", "b/", "d/"]


def test_offsets(tree):
    start, end = tree.prefix + "a/2", tree.prefix + "c"
    assert tree.names(start_offset=start) == ["a/2", "a/b/3", "b/", "b/4", "c", "d//5"]
    assert tree.names(end_offset=end) == ["a", "a/1", "a/2", "a/b/3", "b/", "b/4"]
    assert tree.names(start_offset=start, end_offset=end) == ["a/2", "a/b/3", "b/", "b/4"]


def test_max_results_through_the_client(tree):
    assert tree.names(max_results=3) == TREE[:3]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 100])
def test_pages_together_are_everything(tree, size):
    pages = [
        list(found) for found in tree.bucket.list_blobs(prefix=tree.prefix, page_size=size).pages
    ]
    assert all(len(found) <= size for found in pages)
    names = [blob.name.removeprefix(tree.prefix) for found in pages for blob in found]
    assert names == TREE


def test_the_last_page_has_no_token(tree):
    assert "nextPageToken" not in page(tree, maxResults=8).json()
    assert "nextPageToken" in page(tree, maxResults=7).json()


def test_prefixes_count_towards_a_page(tree):
    seen, token = [], None
    for _ in range(10):
        body = page(
            tree, delimiter="/", maxResults=2, **({"pageToken": token} if token else {})
        ).json()
        entries = [item["name"] for item in body.get("items", [])] + body.get("prefixes", [])
        assert len(entries) <= 2
        seen += entries
        token = body.get("nextPageToken")
        if not token:
            break
    assert sorted(name.removeprefix(tree.prefix) for name in seen) == ["a", "a/", "b/", "c", "d/"]


def test_a_page_token_survives_a_deletion(tree):
    token = page(tree, maxResults=3).json()["nextPageToken"]
    tree.blob("a/2").delete()
    tree.blob("a/1").delete()
    rest = page(tree, maxResults=100, pageToken=token).json()["items"]
    assert [item["name"].removeprefix(tree.prefix) for item in rest] == TREE[3:]


def test_a_page_token_survives_a_creation(tree):
    token = page(tree, maxResults=3).json()["nextPageToken"]
    tree.write("a/0")
    tree.write("bb")
    rest = page(tree, maxResults=100, pageToken=token).json()["items"]
    names = [item["name"].removeprefix(tree.prefix) for item in rest]
    assert names == ["a/b/3", "b/", "b/4", "bb", "c", "d//5"]


def test_a_broken_page_token_is_400(tree):
    assert page(tree, pageToken="%%%").status_code == 400


@pytest.mark.page(f"{DOCS}/json_api#partial-response")
def test_a_projection_holds_what_was_asked_for(tree):
    tree.write("a", metadata={"k": "v"})
    body = page(tree, fields="items(name,metadata),nextPageToken", maxResults=1).json()
    assert set(body) == {"items", "nextPageToken"}
    assert body["items"] == [{"name": tree.prefix + "a", "metadata": {"k": "v"}}]


@pytest.mark.page(f"{DOCS}/json_api#partial-response")
def test_a_projection_by_path(tree):
    body = page(tree, fields="items/name,kind", maxResults=2).json()
    assert body["kind"] == "storage#objects"
    assert body["items"] == [{"name": tree.prefix + "a"}, {"name": tree.prefix + "a/1"}]


@pytest.mark.page(f"{DOCS}/json_api#partial-response")
def test_a_projection_of_one_object(tree):
    answer = tree.endpoint.json("GET", tree.path("a"), params={"fields": "name,size"})
    assert answer.json() == {"name": tree.prefix + "a", "size": "1"}


def test_a_listing_shows_metadata_and_versions(space):
    blob = space.write("x", metadata={"stage": "queued"})
    found = next(iter(space.bucket.list_blobs(prefix=space.prefix)))
    assert found.metadata == {"stage": "queued"}
    assert (found.generation, found.metageneration, found.size) == (blob.generation, 1, 7)
    assert (found.md5_hash, found.etag) == (blob.md5_hash, blob.etag)


@pytest.mark.page(f"{DOCS}/consistency")
def test_a_listing_is_current(space):
    for number in range(10):
        space.write(f"n{number}")
        assert len(space.names()) == number + 1
    for number in range(10):
        space.blob(f"n{number}").delete()
        assert len(space.names()) == 9 - number


def test_a_bucket_that_is_not_there_is_404(space, refused):
    with refused(404):
        list(space.endpoint.client.bucket("no-such-bucket-7f3a9c").list_blobs())
