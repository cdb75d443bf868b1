"""Signed URLs that somebody altered: every one is refused, by the right status and code."""

import base64
import dataclasses
import datetime as dt
import hashlib
import re
from urllib.parse import quote, unquote, urlsplit

import pytest
from google.cloud.storage._signing import generate_signed_url_v4
from google.oauth2 import service_account

DOCS = "https://cloud.google.com/storage/docs"
pytestmark = pytest.mark.page(f"{DOCS}/authentication/canonical-requests")

MISMATCH = (403, "SignatureDoesNotMatch")
DENIED = (403, "AccessDenied")
INVALID = (400, "InvalidArgument")
HEADER = (400, "MalformedSecurityHeader")
EXPIRED = (400, "ExpiredToken")
SKEWED = (403, "RequestTimeTooSkewed")


@dataclasses.dataclass
class Request:
    """A request on its way, to be altered."""

    url: str
    method: str = "GET"
    headers: dict = dataclasses.field(default_factory=dict)
    data: bytes | None = None

    def query(self, name, change):
        """Put another value (or None: nothing) in place of a query field."""

        def one(match):
            value = change(unquote(match[1])) if callable(change) else change
            return "" if value is None else f"{name}={quote(value, safe='~')}&"

        head, _, rest = (self.url + "&").partition("?")
        rest = re.sub(rf"{name}=([^&]*)&", one, rest)
        return dataclasses.replace(self, url=f"{head}?{rest.rstrip('&')}")

    def path(self, change):
        parts = urlsplit(self.url)
        return dataclasses.replace(self, url=parts._replace(path=change(parts.path)).geturl())

    def header(self, name, value):
        headers = {key: text for key, text in self.headers.items() if key.lower() != name.lower()}
        return dataclasses.replace(self, headers=headers | ({name: value} if value else {}))

    def replace(self, **changes):
        return dataclasses.replace(self, **changes)

    def send(self, web):
        return web.request(self.method, self.url, headers=self.headers, data=self.data)


def later(text, **distance):
    moment = dt.datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    moved = moment + dt.timedelta(**distance)
    return moved.strftime("%Y%m%dT%H%M%SZ")


def flipped(signature):
    return signature[:-1] + ("0" if signature[-1] != "0" else "1")


GETS = {
    "signature flipped": (lambda r: r.query("X-Goog-Signature", flipped), MISMATCH),
    "signature cut short": (lambda r: r.query("X-Goog-Signature", lambda s: s[:-2]), MISMATCH),
    "signature of zeros": (lambda r: r.query("X-Goog-Signature", "00" * 256), MISMATCH),
    "signature not hexadecimal": (lambda r: r.query("X-Goog-Signature", "forged!"), MISMATCH),
    "signature empty": (lambda r: r.query("X-Goog-Signature", ""), INVALID),
    "signature left out": (lambda r: r.query("X-Goog-Signature", None), INVALID),
    "algorithm changed": (lambda r: r.query("X-Goog-Algorithm", "GOOG4-HMAC-SHA256"), INVALID),
    "algorithm left out": (lambda r: r.query("X-Goog-Algorithm", None), INVALID),
    "another account": (
        lambda r: r.query(
            "X-Goog-Credential", lambda c: "mallory@evil.example" + c[c.index("/") :]
        ),
        MISMATCH,
    ),
    "another location": (
        lambda r: r.query("X-Goog-Credential", lambda c: c.replace("/auto/", "/eu/")),
        MISMATCH,
    ),
    "another service": (
        lambda r: r.query("X-Goog-Credential", lambda c: c.replace("/storage/", "/s3/")),
        INVALID,
    ),
    "another day in the scope": (
        lambda r: r.query("X-Goog-Credential", lambda c: re.sub(r"/\d{8}/", "/20200101/", c)),
        INVALID,
    ),
    "credential left out": (lambda r: r.query("X-Goog-Credential", None), INVALID),
    "date moved": (
        lambda r: r.query("X-Goog-Date", lambda d: d[:-3] + f"{(int(d[-3:-1]) + 1) % 60:02}Z"),
        MISMATCH,
    ),
    "date malformed": (lambda r: r.query("X-Goog-Date", "today"), INVALID),
    "date left out": (lambda r: r.query("X-Goog-Date", None), INVALID),
    "life prolonged": (lambda r: r.query("X-Goog-Expires", "86400"), MISMATCH),
    "life shortened": (lambda r: r.query("X-Goog-Expires", "3000"), MISMATCH),
    "life above seven days": (lambda r: r.query("X-Goog-Expires", "604801"), INVALID),
    "life of nothing": (lambda r: r.query("X-Goog-Expires", "0"), INVALID),
    "life negative": (lambda r: r.query("X-Goog-Expires", "-60"), INVALID),
    "life no number": (lambda r: r.query("X-Goog-Expires", "ever"), INVALID),
    "life left out": (lambda r: r.query("X-Goog-Expires", None), INVALID),
    "life given twice": (lambda r: r.replace(url=r.url + "&X-Goog-Expires=3600"), MISMATCH),
    "signed headers added": (lambda r: r.query("X-Goog-SignedHeaders", "host;range"), HEADER),
    "signed headers without host": (lambda r: r.query("X-Goog-SignedHeaders", "accept"), HEADER),
    "signed headers left out": (lambda r: r.query("X-Goog-SignedHeaders", None), INVALID),
    "disposition changed": (
        lambda r: r.query("response-content-disposition", 'attachment; filename="evil.exe"'),
        MISMATCH,
    ),
    "disposition left out": (lambda r: r.query("response-content-disposition", None), MISMATCH),
    "type added": (lambda r: r.replace(url=r.url + "&response-content-type=text/html"), MISMATCH),
    "generation added": (lambda r: r.replace(url=r.url + "&generation=1"), MISMATCH),
    "a field added": (lambda r: r.replace(url=r.url + "&x=1"), MISMATCH),
    "a field's name in capitals": (
        lambda r: r.replace(url=r.url.replace("X-Goog-Expires", "X-GOOG-EXPIRES")),
        MISMATCH,
    ),
    "another object": (lambda r: r.path(lambda p: p.replace("film.mp4", "secret.mp4")), MISMATCH),
    "another bucket": (
        lambda r: r.path(lambda p: "/another-bucket" + p[p.index("/", 1) :]),
        MISMATCH,
    ),
    "path in capitals": (lambda r: r.path(lambda p: p.replace("film", "FILM")), MISMATCH),
    "path with a slash more": (lambda r: r.path(lambda p: p + "/"), MISMATCH),
    "path with a double slash": (
        lambda r: r.path(lambda p: p.replace("/film", "//film")),
        MISMATCH,
    ),
    "path encoded twice": (lambda r: r.path(lambda p: p.replace("film", "%2566ilm")), MISMATCH),
    "used to PUT": (lambda r: r.replace(method="PUT", data=b"evil"), MISMATCH),
    "used to DELETE": (lambda r: r.replace(method="DELETE"), MISMATCH),
    "used to POST": (lambda r: r.replace(method="POST"), MISMATCH),
    "used to start an upload": (
        lambda r: r.replace(method="POST").header("x-goog-resumable", "start"),
        HEADER,
    ),
    "another host": (lambda r: r.header("Host", "evil.example"), MISMATCH),
    "an x-goog- header added": (lambda r: r.header("x-goog-meta-owner", "mallory"), HEADER),
    "no signature at all": (lambda r: r.replace(url=r.url.partition("?")[0]), DENIED),
}


def code(answer):
    found = re.search(r"<Code>(\w+)</Code>", answer.text)
    return answer.status_code, found[1] if found else None


@pytest.fixture
def film(space):
    space.write("film.mp4", b"film", "video/mp4")
    space.write("secret.mp4", b"secret", "video/mp4")
    return space


@pytest.fixture
def signed(film):
    return Request(film.sign(film.blob("film.mp4"), response_disposition="inline"))


def test_the_untouched_url_works(film, signed):
    assert signed.send(film.endpoint.web).content == b"film"


@pytest.mark.parametrize("name", GETS)
def test_an_altered_get_is_refused(film, signed, name):
    alter, expected = GETS[name]
    altered = alter(signed)
    assert altered != signed
    answer = altered.send(film.endpoint.web)
    assert code(answer) == expected, answer.text
    assert answer.content != b"film"
    assert film.blob("film.mp4").download_as_bytes() == b"film"


def test_a_url_of_another_method_does_not_read(film):
    for method in ("PUT", "DELETE", "HEAD"):
        answer = film.endpoint.get(film.sign(film.blob("film.mp4"), method))
        assert code(answer) == MISMATCH


def test_an_altered_head_is_refused_without_a_body(film, signed):
    answer = signed.query("X-Goog-Expires", "86400").replace(method="HEAD").send(film.endpoint.web)
    assert (answer.status_code, answer.content) == (403, b"")


def test_a_key_that_is_not_the_accounts_does_not_sign(film, new_key):
    other = service_account.Credentials.from_service_account_info(new_key()[0])
    url = film.sign(film.blob("film.mp4"), credentials=other)
    assert code(film.endpoint.get(url)) == MISMATCH


@pytest.mark.page(f"{DOCS}/access-control/signed-urls#string-to-sign")
def test_a_mismatch_shows_what_should_have_been_signed(film, signed):
    answer = signed.query("X-Goog-Expires", "86400").send(film.endpoint.web)
    assert "xml" in answer.headers["Content-Type"]
    assert "<StringToSign>GOOG4-RSA-SHA256\n" in answer.text
    assert "<CanonicalRequest>GET\n" in answer.text
    assert "X-Goog-Expires=86400" in answer.text


def at(film, when, expires=600):
    """A URL that was signed at another time."""
    return generate_signed_url_v4(
        film.endpoint.signer,
        resource=f"/{film.bucket.name}/{quote(film.blob('film.mp4').name, safe='/~')}",
        expiration=expires,
        api_access_endpoint=film.endpoint.url,
        _request_timestamp=when.strftime("%Y%m%dT%H%M%SZ"),
    )


@pytest.mark.page(f"{DOCS}/xml-api/reference-status#400%E2%80%94bad_request")
@pytest.mark.parametrize(
    "age", [dt.timedelta(seconds=660), dt.timedelta(hours=2), dt.timedelta(days=400)]
)
def test_an_expired_url_is_refused(film, age):
    answer = film.endpoint.get(at(film, dt.datetime.now(dt.UTC) - age))
    assert code(answer) == EXPIRED


@pytest.mark.page(f"{DOCS}/xml-api/reference-status#403%E2%80%94forbidden")
def test_a_url_of_tomorrow_is_refused(film):
    answer = film.endpoint.get(at(film, dt.datetime.now(dt.UTC) + dt.timedelta(hours=20)))
    assert code(answer) == SKEWED


def test_a_url_of_a_clock_some_minutes_ahead_works(film):
    url = at(film, dt.datetime.now(dt.UTC) + dt.timedelta(minutes=3))
    assert film.endpoint.get(url).content == b"film"


MD5 = base64.b64encode(hashlib.md5(b"good", usedforsecurity=False).digest()).decode()
SHA256 = hashlib.sha256(b"good").hexdigest()
SIGNED = {
    "Content-Type": "image/png",
    "x-goog-meta-owner": "ada",
    "x-goog-if-generation-match": "0",
    "Content-MD5": MD5,
    "x-goog-content-sha256": SHA256,
}
PUTS = {
    "another type": (lambda r: r.header("Content-Type", "text/html"), MISMATCH),
    "no type": (lambda r: r.header("Content-Type", None), HEADER),
    "other metadata": (lambda r: r.header("x-goog-meta-owner", "mallory"), MISMATCH),
    "no metadata": (lambda r: r.header("x-goog-meta-owner", None), HEADER),
    "more metadata": (lambda r: r.header("x-goog-meta-admin", "yes"), HEADER),
    "another condition": (lambda r: r.header("x-goog-if-generation-match", "7"), MISMATCH),
    "no condition": (lambda r: r.header("x-goog-if-generation-match", None), HEADER),
    "another md5": (lambda r: r.header("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="), MISMATCH),
    "another body": (lambda r: r.replace(data=b"evil"), (400, "BadDigest")),
    "another sha256": (lambda r: r.header("x-goog-content-sha256", "0" * 64), MISMATCH),
    "an acl added": (lambda r: r.header("x-goog-acl", "public-read"), HEADER),
    "used to GET": (lambda r: r.replace(method="GET", data=None), MISMATCH),
    "used on another object": (lambda r: r.path(lambda p: p + "2"), MISMATCH),
}


@pytest.fixture
def put(space):
    url = space.sign(space.blob(), "PUT", headers=dict(SIGNED))
    return Request(url, "PUT", dict(SIGNED), b"good")


def test_the_untouched_put_works(space, put):
    assert put.send(space.endpoint.web).status_code == 200
    assert space.blob().download_as_bytes() == b"good"


@pytest.mark.parametrize("name", PUTS)
def test_an_altered_put_is_refused_and_writes_nothing(space, put, name):
    alter, expected = PUTS[name]
    answer = alter(put).send(space.endpoint.web)
    assert code(answer) == expected, answer.text
    assert space.names() == []


@pytest.mark.parametrize("header", ["Content-MD5", "x-goog-content-sha256"])
def test_one_signed_checksum_is_enough_to_refuse_another_body(space, header):
    headers = {header: SIGNED[header]}
    url = space.sign(space.blob(), "PUT", headers=dict(headers))
    answer = space.endpoint.put(url, data=b"evil", headers=headers)
    assert code(answer) == (400, "BadDigest")
    assert space.names() == []
    assert space.endpoint.put(url, data=b"good", headers=headers).status_code == 200


def test_a_put_without_a_signature_is_refused(space):
    url = f"{space.endpoint.url}/{space.bucket.name}/{space.prefix}object"
    assert code(space.endpoint.put(url, data=b"evil")) == DENIED
    assert space.names() == []


def test_a_signed_start_cannot_become_a_plain_put(space):
    url = space.sign(space.blob(), "RESUMABLE")
    answer = space.endpoint.put(url, data=b"evil", headers={"x-goog-resumable": "start"})
    assert code(answer) == MISMATCH
    assert space.names() == []
