"""Questions to one account over plain HTTP: sessions, the key, bounded answers, what failed.

Turns every way of not answering into `QueryFailed`; the key never leaves the headers. A shared
session serves queries; what is paid for gets a fresh one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lib.adapters.outbound.deadline import within
from lib.adapters.outbound.service_clock import ServiceClock
from lib.adapters.outbound.session import unread_redirects
from lib.core import errors
from lib.core.outside.numbers import http_date, retry_after_s
from lib.core.upstream import reader
from lib.core.upstream.outcomes import QueryFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import requests

CONNECT_S = 3.05
QUERY_TIMEOUT_S = (CONNECT_S, 10.0)
QUERY_TOTAL_S = 15.0  # a trickle of bytes extends no read
ANSWER_AT_MOST = 1 << 20
CLOCK_AT_MOST_S = 300.0  # `Times.far_s`: what the protocol can bear
PAUSE_AT_MOST_S = 300.0  # what a `Retry-After` can ask for; limits recover within a minute
OK, UNAUTHORIZED, FORBIDDEN, TOO_MANY = 200, 401, 403, 429


class Connection:
    """How one account is reached.

    Args:
        base_url: up to and including `/api/v1`.
        api_key: the account's key.
        connect: makes a session.
        now: Unix seconds.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        connect: Callable[[], requests.Session],
        now: Callable[[], float],
    ) -> None:
        # The service's clock, as every answer shows it.
        self.clock = ServiceClock(now, CLOCK_AT_MOST_S)
        self.now = now
        self._base, self._key = base_url, api_key
        self._connect = connect
        self._shared: requests.Session | None = None

    def url(self, path: str) -> str:
        """The address of a path."""
        return self._base + path

    def headers(self, more: Mapping[str, str]) -> dict[str, str]:
        """The headers of a request, with the key."""
        return {"Authorization": f"Bearer {self._key}", "Accept": "application/json", **more}

    def fresh(self) -> requests.Session:
        """A session that nobody has used."""
        return self.clock.watch(unread_redirects(self._connect()), self._base)

    def shared(self) -> requests.Session:
        """The session that queries share."""
        if self._shared is None:
            self._shared = self.fresh()
        return self._shared

    def read(self, response: requests.Response, deadline: float) -> bytes:
        """The body of an answer, within its bounds.

        Args:
            response: a streamed one.
            deadline: Unix seconds.

        Raises:
            requests.RequestException: it breaks off, or does not end.
        """
        import requests  # only a call to the service needs it
        from urllib3.exceptions import HTTPError

        body = bytearray()  # bytes would be copied at every chunk
        try:
            # What has arrived, not a full block: a trickle would extend the time of the latter.
            while chunk := response.raw.read1(1 << 14, decode_content=True):
                body += chunk
                if len(body) > ANSWER_AT_MOST or self.now() > deadline:
                    raise requests.ReadTimeout("the answer does not end")
        except (HTTPError, OSError) as error:
            raise requests.ConnectionError(type(error).__name__) from error
        return bytes(body)

    def query(self, method: str, path: str) -> dict[str, Any] | QueryFailed:
        """The JSON object that a call answers with; nothing is sent twice, no redirect followed.

        Args:
            method: of HTTP.
            path: below the base, with its query.
        """
        import requests  # only a call to the service needs it

        deadline = self.now() + QUERY_TOTAL_S
        try:
            with (
                within(QUERY_TOTAL_S),
                self.shared().request(
                    method,
                    self.url(path),
                    headers=self.headers({}),
                    timeout=QUERY_TIMEOUT_S,
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                data = reader.parse(self.read(response, deadline))
        except (requests.RequestException, OSError, ValueError) as error:
            return unavailable(type(error).__name__, type(error).__name__)
        if response.status_code == OK and data is not None:
            return data
        return _failed(response, data or {})


def _failed(response: requests.Response, data: Mapping[str, Any]) -> QueryFailed:
    status = response.status_code
    code = reader.code_of(str(data.get("code") or f"HTTP {status}"))
    kind = errors.RATE_LIMITED if status == TOO_MANY else errors.UPSTREAM_UNAVAILABLE
    if status in {UNAUTHORIZED, FORBIDDEN}:
        kind = errors.UPSTREAM_AUTH
    message = reader.sentence(data.get("message")) or code
    return QueryFailed(kind, message, code, status == TOO_MANY, retry_after(response))


def unavailable(why: str, code: str = "") -> QueryFailed:
    """A query without an answer to act on.

    Args:
        why: one sentence of ours.
        code: what stands for DashScope's code, if there is anything.
    """
    return QueryFailed(errors.UPSTREAM_UNAVAILABLE, why, code)


def retry_after(response: requests.Response) -> float | None:
    """The seconds that an answer asks to wait, by its own clock."""
    text, date = response.headers.get("Retry-After"), http_date(response.headers.get("Date"))
    return retry_after_s(text, date or 0.0, PAUSE_AT_MOST_S)
