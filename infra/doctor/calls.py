"""One HTTP call: bounded, without a second try, and its failure as a sentence instead of a crash.

Follows no redirect, so that a key goes only where it was meant to go. Judges nothing of the answer;
keeps each answer's `Date` together with the times of this machine around it.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lib.adapters.outbound.service_clock import ServiceClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

TIMEOUT_S = 10.0
TOTAL_S = 20.0  # a trickle of bytes extends no read
ANSWER_AT_MOST = 4 << 20
SAID_AT_MOST = 200  # characters of a stranger's sentence
CLOCK_AT_MOST_S = float("inf")  # everything is told, nothing is corrected here
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class Unreached:
    """No answer came.

    Attributes:
        why: one sentence, without the address.
        kind: `name`, `tls`, `proxy`, `refused`, `slow` or `broken`.
    """

    why: str
    kind: str


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: of HTTP.
        headers: by any case of their names.
        data: the JSON object of the body; empty where it is none.
        clock: the answer's date beside this machine's.
    """

    status: int
    headers: Mapping[str, str]
    data: dict[str, Any] = field(repr=False)
    clock: ServiceClock

    @property
    def said(self) -> str:
        """The sentence of a refusal, in the forms of DashScope, of Google and of RFC 9457."""
        error = self.data.get("error")
        texts = [self.data.get(name) for name in ("code", "detail", "message")]
        if isinstance(error, dict):
            texts = [error.get("status") or error.get("code"), error.get("message")]
        said = ": ".join(" ".join(text.split()) for text in texts if isinstance(text, str))
        return said[:SAID_AT_MOST] or "no sentence"


def call(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
) -> Answer | Unreached:
    """Ask once.

    Args:
        method: of HTTP.
        url: whole.
        headers: to send.
        body: to send as JSON.
    """
    import requests  # missing where the packages are not installed, which another line says

    clock = ServiceClock(time.time, CLOCK_AT_MOST_S)
    with requests.Session() as session:
        # An Authorization header that was given stays; a .netrc would replace it.
        session.auth = _as_it_is
        if host_of(url) in LOOPBACK:
            session.trust_env = False  # a proxy knows another loopback
        try:
            asked_at = time.time()
            response = session.request(
                method,
                url,
                headers=dict(headers or {}),
                json=body,
                timeout=TIMEOUT_S,
                allow_redirects=False,
                stream=True,
            )
            if "Age" not in response.headers:  # a cache's copy has an old date
                clock.note(response.headers.get("Date"), asked_at, time.time())
            data = _json(_body(response))
        except (requests.RequestException, OSError, ValueError) as error:
            return _unreached(error)
    return Answer(response.status_code, response.headers, data, clock)


def host_of(url: str) -> str:
    """The host's name in an address; empty where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _body(response: requests.Response) -> bytes:
    deadline, body = time.monotonic() + TOTAL_S, bytearray()
    while chunk := response.raw.read1(1 << 16, decode_content=True):
        body += chunk
        if len(body) > ANSWER_AT_MOST or time.monotonic() > deadline:
            raise TimeoutError("the answer does not end")
    return bytes(body)


def _json(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _unreached(error: Exception) -> Unreached:
    import requests  # see above

    text = str(error)
    if isinstance(error, requests.exceptions.SSLError):
        reason = text.partition("certificate verify failed: ")[2].partition(" (_ssl")[0]
        return Unreached(f"TLS failed: {reason or 'no secure connection'}", "tls")
    if isinstance(error, requests.exceptions.ProxyError):
        return Unreached("the proxy of the environment does not let it through", "proxy")
    if isinstance(error, requests.Timeout | TimeoutError):
        return Unreached(f"no whole answer within {TIMEOUT_S:g} s", "slow")
    if "NameResolutionError" in text or "Name or service not known" in text:
        return Unreached("the host's name is not known", "name")
    if "Connection refused" in text:
        return Unreached("nobody listens there (connection refused)", "refused")
    return Unreached(f"no answer ({type(error).__name__})", "broken")
