"""Ways of reaching the service, and a caller that follows every address of ours that an answer names.

A way says what the caller writes and what then arrives: the `Host`, whether what stands in front
took the path's prefix away, and which headers it added. Whatever the caller is told must be an
address that leads back to the service by one of the way's places.
"""

import base64
import io
import re
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import EnvironBuilder

from tests.world import picture

SERVICE = "inbetween-api"
FUNCTION = f"https://asia-southeast1-demo.cloudfunctions.net/{SERVICE}"
RUN = "https://inbetween-api-abcdefghij-as.a.run.app"
DOMAIN, PREFIXED = "https://films.example.com", "https://example.com/films"
TLS = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
# What anybody can write; nothing of it may be repeated to anybody.
LIES = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Server": "evil.example",
    "X-Forwarded-Prefix": "/evil",
    "X-Script-Name": "/evil",
    "X-Original-URL": "https://evil.example/evil",
    "X-Original-Host": "evil.example",
    "Forwarded": "for=203.0.113.9;host=evil.example;proto=https",
}


@dataclass(frozen=True)
class Place:
    """One address of the service, and what arrives of a request to it."""

    url: str
    host: str
    stripped: bool = True

    def inside(self, url):
        """The path and query that arrive; None for an address of somebody else."""
        if not url.startswith((f"{self.url}/", f"{self.url}?")) and url != self.url:
            return None
        outside = urlsplit(url)
        path = outside.path[len(urlsplit(self.url).path) if self.stripped else 0 :] or "/"
        return f"{path}?{outside.query}" if outside.query else path


@dataclass(frozen=True)
class Way:
    """How the service is reached: by the first place; the others reach it as well."""

    places: tuple
    env: dict = field(default_factory=dict)
    headers: dict = field(default_factory=lambda: dict(TLS))

    @property
    def url(self):
        return self.places[0].url


AT_FUNCTION = Place(FUNCTION, urlsplit(FUNCTION).netloc)
AT_RUN = Place(RUN, urlsplit(RUN).netloc)
AT_DOMAIN = Place(DOMAIN, "films.example.com")
AT_PREFIX = Place(PREFIXED, "example.com")
# Without keys, as these worlds are, only named hosts pass.
HOSTS = (AT_FUNCTION.host, AT_RUN.host, AT_DOMAIN.host, AT_PREFIX.host)
ON_GOOGLE = {
    "K_SERVICE": SERVICE,
    "ALLOWED_HOSTS": " ".join([*HOSTS, "evil.example", "evil.cloudfunctions.net"]),
}
WITH_DOMAIN = {**ON_GOOGLE, "PUBLIC_URL": DOMAIN}
WITH_PREFIX = {**ON_GOOGLE, "PUBLIC_URL": PREFIXED}
BALANCED = {**TLS, "Via": "1.1 google", "X-Forwarded-For": "203.0.113.9,198.51.100.2"}
WAYS = {
    "run-app": Way((AT_RUN,), ON_GOOGLE),
    "cloudfunctions": Way((AT_FUNCTION,), ON_GOOGLE),
    "cloudfunctions-path-kept": Way(
        (Place(FUNCTION, urlsplit(FUNCTION).netloc, stripped=False),), ON_GOOGLE
    ),
    "cloudfunctions-host-rewritten": Way(
        (Place(FUNCTION, urlsplit(RUN).netloc),), {**ON_GOOGLE, "PUBLIC_URL": FUNCTION}
    ),
    "cloudfunctions-beside-a-domain": Way((AT_FUNCTION, AT_DOMAIN), WITH_DOMAIN),
    "domain": Way((AT_DOMAIN,), ON_GOOGLE),
    "domain-public": Way((AT_DOMAIN,), WITH_DOMAIN),
    "run-app-beside-a-domain": Way((AT_RUN, AT_DOMAIN), WITH_DOMAIN),
    "load-balancer": Way((AT_DOMAIN,), ON_GOOGLE, BALANCED),
    "load-balancer-public": Way((AT_DOMAIN,), WITH_DOMAIN, BALANCED),
    "load-balancer-host-rewritten": Way(
        (Place(DOMAIN, urlsplit(RUN).netloc),), WITH_DOMAIN, BALANCED
    ),
    "prefix-taken-away": Way((AT_PREFIX,), WITH_PREFIX, BALANCED),
    "prefix-kept": Way((Place(PREFIXED, "example.com", stripped=False),), WITH_PREFIX, BALANCED),
    "prefix-host-rewritten": Way((Place(PREFIXED, urlsplit(RUN).netloc),), WITH_PREFIX, BALANCED),
    "run-app-beside-a-prefix": Way((AT_RUN, AT_PREFIX), WITH_PREFIX),
    "laptop": Way((Place("http://127.0.0.1:8080", "127.0.0.1:8080"),), headers={}),
    "laptop-ipv6": Way((Place("http://[::1]:8080", "[::1]:8080"),), headers={}),
    "laptop-by-name": Way((Place("http://localhost:5173", "localhost:5173"),), headers={}),
    "laptop-https": Way(
        (Place("https://localhost:5173", "localhost:5173"),),
        headers={"X-Forwarded-Proto": "https"},
    ),
    "laptop-public": Way(
        (Place("http://localhost:5173/films", "127.0.0.1:8080"),),
        {"PUBLIC_URL": "http://localhost:5173/films"},
        {},
    ),
}


class Caller:
    """Calls by a way; fails at an address that does not lead back.

    Args:
        way: how.
        send: method, path, headers, body (bytes) to an answer with status_code, headers, data.
        lies: further headers of the caller's.
    """

    def __init__(self, way, send, lies=None):
        self.way, self._send, self._lies = way, send, lies or {}
        self.texts = []

    def ask(self, method, url, headers=None, body=b""):
        for place in self.way.places:
            if (path := place.inside(url)) is not None:
                more = {**self.way.headers, **self._lies, **(headers or {}), "Host": place.host}
                answer = self._send(method, path, more, body)
                self.texts.append(f"{dict(answer.headers)} {answer.text}")
                return answer
        raise AssertionError(f"{url} leads to nobody of {[one.url for one in self.way.places]}")

    def form(self, url, fields, files):
        parts = MultiDict(fields)
        for name in files:
            parts.add(name, FileStorage(io.BytesIO(picture()), filename="a.png"))
        environ = EnvironBuilder(method="POST", data=parts).get_environ()
        with environ["wsgi.input"] as body:
            return self.ask("POST", url, {"Content-Type": environ["CONTENT_TYPE"]}, body.read())

    def get(self, url):
        answer = self.ask("GET", url)
        assert answer.status_code == 200, (url, answer.status_code, answer.text)
        return answer


def walk(caller):
    """Follow every field that carries our address: its name, and where it led."""
    url = f"{caller.way.url}/v1/videos"
    made = caller.form(url, {"prompt": "rain"}, ("first_frame", "last_frame"))
    assert made.status_code == 202, made.text
    place = urljoin(url, made.headers["Location"])
    assert caller.get(place).get_json()["id"] == made.get_json()["id"]
    yield "Location", place

    contract = f"{caller.way.url}/openapi.json"
    (server,) = caller.get(contract).get_json()["servers"]
    root = urljoin(contract, server["url"]).removesuffix("/")
    assert caller.get(f"{root}/v1/models").get_json()["object"] == "list"
    yield "servers", root

    page = f"{caller.way.url}/docs"
    text = caller.get(page).text
    links = [link for link in re.findall(r'href="([^"]*)"', text) if not link.startswith("#")]
    assert links
    for link in links:
        assert caller.get(urljoin(page, link)).get_json()["openapi"]
        yield "docs", urljoin(page, link)
    if said := re.search(r"URL=(\S+?)<", text):
        assert caller.get(f"{said[1]}/v1/models")
        yield "docs, $URL", said[1]

    query = "action=getPolicy&model=wan2.2-kf2v-flash"
    rules = caller.get(f"{caller.way.url}/api/v1/uploads?{query}").get_json()["data"]
    assert base64.b64decode(rules["policy"])
    fields = {
        "OSSAccessKeyId": rules["oss_access_key_id"],
        "Signature": rules["signature"],
        "policy": rules["policy"],
        "key": f"{rules['upload_dir']}/a.png",
        "x-oss-object-acl": rules["x_oss_object_acl"],
        "x-oss-forbid-overwrite": rules["x_oss_forbid_overwrite"],
        "success_action_status": "200",
    }
    taken = caller.form(rules["upload_host"], fields, ("file",))
    assert (taken.status_code, taken.text) == (200, "")
    yield "upload_host", rules["upload_host"]
