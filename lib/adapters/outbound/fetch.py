"""Fetching what somebody else's link points to, without becoming that person's tool.

`redirects` says how a link is asked for and `download` how a film is read to its end; this keeps
size, kind and time: a limit of bytes while they arrive, and a total time that no trickle of bytes
extends. Refuses with a reason that names the field and never repeats what was found.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import HTTPError

from lib.adapters.outbound.deadline import Alarm, within
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
from lib.adapters.outbound.redirects import PAUSES_S, TIMEOUT_S, Follower, failure
from lib.adapters.outbound.session import unread_redirects
from lib.adapters.outbound.url_policy import PORTS
from lib.core.errors import invalid_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Answer", "FetchFailed", "Fetcher", "LinkRefused"]

FRAME_S = 15.0
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
        self._session, self._now, self._sleep = unread_redirects(session), now, sleep
        self._links = Follower(
            self._session, allow_loopback_http=allow_loopback_http, sleep=sleep, ports=ports
        )

    @property
    def allowed(self) -> str:
        """Which links are followed, as the end of a sentence."""
        return self._links.allowed

    def judge(self, url: str) -> None:
        """Whether a link may be used at all; nobody is asked, not even DNS.

        Raises:
            LinkRefused: it may not, with the reason.
        """
        self._links.judged(url)

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
                return _body(download, limit_bytes)
        except FetchFailed as reason:
            why = f"{param}: the link could not be used: {reason}. Allowed: {self.allowed}"
            raise invalid_frame(
                param, reason.fault, f"{why}; or upload the file itself."
            ) from reason

    @contextmanager
    def stream(self, url: str, *, total_s: float) -> Iterator[Download]:
        """An answer to read while it arrives; redirects are followed, each judged again.

        Args:
            url: somebody else's.
            total_s: for everything from here to the last byte.

        Raises:
            FetchFailed: the link is not allowed, or nothing usable came.
        """
        deadline = self._now() + total_s
        with within(total_s) as alarm:
            response = self._links.follow(url, alarm)
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
                return self._links.follow(url, alarm, more, pauses_s=pauses_s, upgrade=True)

            source = Resumed(
                ask,
                now=self._now,
                sleep=self._sleep,
                total_s=total_s,
                late=lambda: alarm.over,
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
        target = self._links.judged(url)
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
            except (requests.RequestException, OSError, ValueError, HTTPError) as error:
                raise failure(error, alarm) from error

    def _chunks(
        self, response: requests.Response, deadline: float, alarm: Alarm
    ) -> Iterator[bytes]:
        late = "it took too long"
        try:
            for chunk in response.iter_content(BLOCK):
                if alarm.over or self._now() > deadline:
                    raise FetchFailed(late)
                yield chunk
        except (requests.RequestException, OSError) as error:
            reason = late if alarm.over else f"the connection broke ({type(error).__name__})"
            raise FetchFailed(reason) from error
        if alarm.over:  # a body without a declared length just seems to end
            raise FetchFailed(late)


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


def _body(download: Download, limit_bytes: int) -> bytes:
    """All of a body.

    Raises:
        FetchFailed: it is larger than the limit, or breaks off.
    """
    body = bytearray()
    for chunk in download.chunks:
        body += chunk
        if len(body) > limit_bytes:
            raise BodyTooLarge(f"it is larger than {limit_bytes} bytes")
    return bytes(body)
