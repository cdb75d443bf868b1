"""Fetching what a stranger's link points to, without becoming the stranger's tool.

`guard` says where a link may lead and `download` how a film is read to its end; this keeps size,
kind and time: three redirects at most and each judged again, a limit of bytes while they arrive,
and a total time that no trickle of bytes extends. Refuses with a reason that names the field and
never repeats what was found.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from lib.adapters.outbound.deadline import Alarm, unread_redirects, within
from lib.adapters.outbound.download import (
    BLOCK,
    OK,
    BodyTooLarge,
    Download,
    FetchFailed,
    LinkRefused,
    Resumed,
    described,
)
from lib.adapters.outbound.url_policy import (
    PORTS,
    BadLink,
    guarded_session,
    judge,
    not_public,
    public,
    upgraded,
)
from lib.core.errors import invalid_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import requests

__all__ = [
    "Answer",
    "Download",
    "FetchFailed",
    "Fetcher",
    "LinkRefused",
    "guarded_session",
    "public",
]

TIMEOUT_S = (3.05, 20.0)
FRAME_S = 15.0
REDIRECTS_AT_MOST = 3
REDIRECTS, BUSY = frozenset({301, 302, 303, 307, 308}), frozenset({502, 503, 504})
PAUSES_S = (0.3, 1.0)
UNTYPED = frozenset({"", "application/octet-stream", "binary/octet-stream"})
ANSWER_AT_MOST = 4096


@dataclass(frozen=True)
class Answer:
    """What a POST was answered.

    Attributes:
        status: HTTP status; a redirect is one like any other.
        headers: of the answer.
        body: its first 4096 bytes.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Fetcher:
    """Fetches frames and films, and posts to addresses that owners name.

    Args:
        session: its transport, see `guarded_session`.
        allow_loopback_http: locally, http to this machine is allowed; nothing else is relaxed.
        now: seconds, for the total time limit.
        sleep: waits between two tries.
        ports: that https links may name.
    """

    def __init__(
        self,
        session: requests.Session,
        *,
        allow_loopback_http: bool,
        now: Callable[[], float],
        sleep: Callable[[float], None],
        ports: frozenset[int] = PORTS,
    ) -> None:
        self._session, self._loopback = unread_redirects(session), allow_loopback_http
        self._now, self._sleep, self._ports = now, sleep, ports

    @property
    def allowed(self) -> str:
        """Which links are followed, as the end of a sentence."""
        ports = " or ".join(str(port) for port in sorted(self._ports))
        local = "; and http to this machine, because the service runs locally"
        return f"https links to public hosts, port {ports}{local if self._loopback else ''}"

    def judge(self, url: str) -> None:
        """Whether a link may be used at all; nobody is asked, not even DNS.

        Raises:
            LinkRefused: it may not, with the reason.
        """
        self._judged(url)

    def _judged(self, url: str) -> str:
        try:
            return judge(url, allow_loopback_http=self._loopback, ports=self._ports)
        except BadLink as reason:
            raise LinkRefused(str(reason)) from None

    def get(self, url: str, *, limit_bytes: int, param: str) -> bytes:
        """The whole body behind a link to a frame.

        Args:
            url: the caller's link.
            limit_bytes: more is refused while it streams.
            param: the request field, for the refusal.

        Raises:
            ApiError: `invalid_frame` with the reason.
        """
        try:
            with self.stream(url, total_s=FRAME_S) as download:
                _check_head(download, limit_bytes)
                body = bytearray()
                for chunk in download.chunks:
                    body += chunk
                    if len(body) > limit_bytes:
                        raise BodyTooLarge(f"it is larger than {limit_bytes} bytes")
                return bytes(body)
        except FetchFailed as reason:
            why = f"{param}: the link could not be used: {reason}. Allowed: {self.allowed}"
            raise invalid_frame(
                param, reason.fault, f"{why}; or upload the file itself."
            ) from reason

    @contextmanager
    def stream(self, url: str, *, total_s: float) -> Iterator[Download]:
        """An answer to read while it arrives; redirects are followed, each judged again.

        Args:
            url: a stranger's.
            total_s: for everything from here to the last byte.

        Raises:
            FetchFailed: the link is not allowed, or nothing usable came.
        """
        deadline = self._now() + total_s
        with within(total_s) as alarm:
            response = self._follow(url, alarm)
            try:
                yield described(response, self._chunks(response, deadline, alarm))
            finally:
                response.close()

    @contextmanager
    def film(self, url: str, *, total_s: float) -> Iterator[Download]:
        """A film to read while it arrives; a connection that breaks is resumed, see `download`.

        An http link is asked for by https, as are the links that it redirects to.

        Args:
            url: the upstream's.
            total_s: for everything from here to the last byte.

        Raises:
            LinkRefused: the link, or one that it redirects to, is not allowed.
            FetchFailed: nothing usable came.
        """
        with within(total_s) as alarm:

            def ask(more: Mapping[str, str]) -> requests.Response:
                # Asking for the rest is tried again by who asks, who also counts.
                pauses_s = () if more else PAUSES_S
                return self._follow(url, alarm, more, pauses_s=pauses_s, upgrade=True)

            source = Resumed(
                ask,
                now=self._now,
                sleep=self._sleep,
                total_s=total_s,
                late=lambda: alarm.rung,
            )
            try:
                yield source.download
            finally:
                source.close()

    def post(self, url: str, body: bytes, headers: Mapping[str, str], *, total_s: float) -> Answer:
        """Post to an address that an owner named: once, without redirects, within a total time.

        Args:
            url: the owner's.
            body: as it goes over the wire.
            headers: with its Content-Type.
            total_s: from the connection to the end of the answer.

        Raises:
            FetchFailed: the link is not allowed, or no answer came in time.
        """
        import requests  # noqa: PLC0415 - only a link needs it

        target = self._judged(url)
        with within(total_s) as alarm:
            try:
                with self._session.post(
                    target,
                    data=body,
                    headers={"Accept-Encoding": "identity", **headers},
                    timeout=(min(TIMEOUT_S[0], total_s), total_s),
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    start = response.raw.read(ANSWER_AT_MOST, decode_content=False)
                    return Answer(response.status_code, response.headers, bytes(start))
            except (requests.RequestException, OSError, ValueError, _http_error()) as error:
                raise _failure(error, alarm) from error

    def _chunks(
        self, response: requests.Response, deadline: float, alarm: Alarm
    ) -> Iterator[bytes]:
        import requests  # noqa: PLC0415 - only a link needs it

        late = "it took too long"
        try:
            for chunk in response.iter_content(BLOCK):
                if alarm.rung or self._now() > deadline:
                    raise FetchFailed(late)
                yield chunk
        except (requests.RequestException, OSError) as error:
            reason = late if alarm.rung else f"the connection broke ({type(error).__name__})"
            raise FetchFailed(reason) from error
        if alarm.rung:  # a body without a declared length just seems to end
            raise FetchFailed(late)

    def _follow(
        self,
        url: str,
        alarm: Alarm,
        more: Mapping[str, str] | None = None,
        *,
        pauses_s: tuple[float, ...] = PAUSES_S,
        upgrade: bool = False,
    ) -> requests.Response:
        for _ in range(REDIRECTS_AT_MOST + 1):
            if upgrade:
                url = upgraded(url, allow_loopback_http=self._loopback)
            response = self._ask(self._judged(url), alarm, more or {}, pauses_s)
            target = response.headers.get("Location")
            if response.status_code not in REDIRECTS or not target:
                return response
            response.close()
            try:
                # A header's bytes arrive as Latin-1 text; those of a link are UTF-8 (RFC 3986).
                further = urljoin(url, target.encode("latin-1").decode())
            except ValueError:
                raise LinkRefused("it redirects to something that is no link") from None
            if not upgrade and url[:6].lower() == "https:" and further[:5].lower() == "http:":
                raise LinkRefused("it redirects from https to http")
            url = further
        raise LinkRefused(f"it redirects more than {REDIRECTS_AT_MOST} times")

    def _ask(
        self, url: str, alarm: Alarm, more: Mapping[str, str], pauses_s: tuple[float, ...]
    ) -> requests.Response:
        for pause_s in pauses_s:
            response = self._once(url, alarm, more)
            if response is not None and response.status_code not in BUSY:
                return response
            # Retried: a connection that failed, and an answer of 502, 503 or 504 to a GET.
            if response is not None:
                response.close()
            if alarm.rung:
                raise FetchFailed("it took too long")
            self._sleep(pause_s)
        response = self._once(url, alarm, more)
        if response is None:
            raise FetchFailed("its host does not answer")
        return response

    def _once(self, url: str, alarm: Alarm, more: Mapping[str, str]) -> requests.Response | None:
        import requests  # noqa: PLC0415 - only a link needs it

        try:
            return self._session.get(
                url,
                timeout=TIMEOUT_S,
                allow_redirects=False,
                stream=True,
                headers={"Accept-Encoding": "identity", **more},
            )
        except (requests.exceptions.InvalidURL, UnicodeError):
            raise LinkRefused("it is not a valid link") from None
        except requests.RequestException as error:
            if alarm.rung or not_public(error):
                raise _failure(error, alarm) from error
            return None


def _check_head(download: Download, limit_bytes: int) -> None:
    """Refuse what is no picture before its body is read.

    Raises:
        FetchFailed: with the reason.
    """
    if download.status != OK:
        raise FetchFailed(f"its host answered {download.status}")
    if download.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchFailed("its host sends it compressed, which nobody asked for")
    kind = download.content_type
    if kind not in UNTYPED and not kind.startswith("image/"):
        family = kind.partition("/")[0] if kind.replace("/", "").isalnum() else "something else"
        raise FetchFailed(f"its host says that it is no picture ({family})")
    if (download.length or 0) > limit_bytes:
        raise BodyTooLarge(f"it is larger than {limit_bytes} bytes")


def _failure(error: BaseException, alarm: Alarm) -> FetchFailed:
    if not_public(error):
        return LinkRefused("its host is not a public address")
    if alarm.rung:
        return FetchFailed("it took too long")
    return FetchFailed(f"its host does not answer ({type(error).__name__})")


def _http_error() -> type[Exception]:
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - only a link needs it

    return HTTPError
