"""Object names: whatever is legal goes in, comes out, is listed and can be deleted."""

import pytest
import requests

DOCS = "https://cloud.google.com/storage/docs"
pytestmark = pytest.mark.page(f"{DOCS}/objects#naming")

LEGAL = [
    "plain.txt",
    "a/b/c",
    "a//b",
    "//leading",
    "a/./b",
    "a/../b",
    "../x",
    "x/",
    "x//",
    "100%",
    "%41",
    "%2F",
    "a%2Fb",
    "query?x=1&y=2",
    "hash#part",
    '"quoted"',
    "it's",
    "back\\slash",
    "plus+plus",
    "sp ace",
    "emoji-\N{CLOUD WITH RAIN}-\N{CLAPPER BOARD}.mp4",
    "ünïcödé",
    "\N{CJK UNIFIED IDEOGRAPH-96E8}/\N{CJK UNIFIED IDEOGRAPH-5929}",
    "x/acl",
    "x/compose",
    "b/o/rewriteTo/b/y/o/z",
    "o/storage/v1/b/x/o/y",
    "x?alt=media",
    "[a]*{b}^|<c>",
    "semi;colon:at@comma,equals=dollar$",
    "~tilde-_.!()",
    "long-" + "n" * 900,
]


@pytest.mark.parametrize("name", LEGAL, ids=range(len(LEGAL)))
def test_a_legal_name_makes_the_whole_round(space, name):
    data = name.encode()
    space.write(name, data)
    found = space.fresh(name)
    assert found is not None
    assert found.name == space.prefix + name
    assert found.download_as_bytes() == data
    assert space.names() == [name]
    found.delete()
    assert space.fresh(name) is None


@pytest.mark.parametrize("name", [".", "..", "line\nfeed", "carriage\rreturn", "n" * 1025])
def test_an_illegal_name_is_refused(space, refused, name):
    with refused(400):
        space.bucket.blob(name).upload_from_string(b"x")


def test_an_object_may_stand_beside_a_prefix_of_its_name(space):
    space.write("p", b"object")
    space.write("p/child", b"child")
    assert space.blob("p").download_as_bytes() == b"object"
    assert space.blob("p/child").download_as_bytes() == b"child"


def test_names_that_differ_in_encoding_only_are_different_objects(space):
    space.write("a%2Fb", b"encoded")
    space.write("a/b", b"plain")
    assert space.blob("a%2Fb").download_as_bytes() == b"encoded"
    assert space.blob("a/b").download_as_bytes() == b"plain"


def test_names_are_case_sensitive(space):
    space.write("Name", b"1")
    assert space.fresh("name") is None


@pytest.mark.page(f"{DOCS}/json_api/v1/objects#mediaLink")
@pytest.mark.parametrize("name", ["a/b c", "x/acl", "100% + ?", "\N{CLOUD WITH RAIN}"])
def test_the_media_link_leads_to_the_content(space, name):
    blob = space.write(name, b"by its link")
    link = blob.media_link
    assert requests.utils.urlparse(link).path.endswith(requests.utils.quote(blob.name, safe=""))
    assert space.endpoint.client._http.get(link).content == b"by its link"
