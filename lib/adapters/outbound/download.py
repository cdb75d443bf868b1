"""A body that is read to its end although its host is slow or breaks off.

It is resumed where it broke, by `Range` and only while a validator says that it is the same body
(RFC 9110, sections 13.1.5 and 14); never pieced together from two. How long that may go on is
bounded by a total, a least rate and a number of tries that bring nothing. Knows nothing of where
links may lead: it is handed a way to ask.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import HTTPError

from lib.core.errors import FrameFault
from lib.core.outside.numbers import digits, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

BLOCK = 1 << 16
OK, PARTIAL = 200, 206
CHANGED, GONE = frozenset({412, 416}), frozenset({403, 404, 410})
LENGTH_AT_MOST = 1 << 50
RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)")
# The least rate. A copy may take 600 s (`Times.copy_at_most_s`): a body that brings less than a
# tenth of itself in a minute cannot be there by then, and one of more than 10 MiB must do 1 MiB a
# minute (140 kbit/s). Who is slower is asked anew: another connection may be a faster one.
WINDOW_S = 60.0
LEAST_BYTES, LEAST_SHARE = 1 << 20, 10
# After so many seconds without a new byte; a connection that never brought any is left at once.
PAUSES_S = (0.3, 1.0, 3.0, 9.0)
RESUMES_AT_MOST = 100  # of a body that breaks again and again, each time with something new


class FetchFailed(Exception):
    """A link that gave nothing usable; the message says why, without repeating it."""

    fault = FrameFault.NOT_FETCHED  # of a frame behind such a link


class LinkRefused(FetchFailed):
    """A link that is not followed, whoever answers: trying the same again cannot help."""


class BodyTooLarge(FetchFailed):
    """More bytes than the reader wants."""

    fault = FrameFault.TOO_LARGE


@dataclass(frozen=True)
class Download:
    """An answer whose body is read while it arrives.

    Attributes:
        status: HTTP status.
        headers: of the answer.
        length: declared bytes, None when it was not declared or is encoded.
        content_type: without parameters.
        chunks: the body; raises `FetchFailed` when it breaks off. An empty one says that a host
            which fell silent is being asked again.
    """

    status: int
    headers: Mapping[str, str]
    length: int | None
    content_type: str
    chunks: Iterator[bytes]


def described(response: requests.Response, chunks: Iterator[bytes]) -> Download:
    """An answer's head, beside a way to read its body."""
    encoded = response.headers.get("Content-Encoding", "identity").lower() != "identity"
    length = whole(response.headers.get("Content-Length"), 0, LENGTH_AT_MOST)
    return Download(
        response.status_code,
        response.headers,
        None if encoded else length,
        response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
        chunks,
    )


class Resumed:
    """One body over as many connections as it takes.

    Args:
        ask: GETs it with further headers.
        now: seconds.
        sleep: waits between two connections.
        total_s: for everything from here to the last byte.
        late: whether the connection was cut because that time is over.
    """

    def __init__(
        self,
        ask: Callable[[Mapping[str, str]], requests.Response],
        *,
        now: Callable[[], float],
        sleep: Callable[[float], None],
        total_s: float,
        late: Callable[[], bool],
    ) -> None:
        self._ask, self._now, self._sleep = ask, now, sleep
        self._late, self._total_s, self._ends_at = late, total_s, now() + total_s
        self._response = ask({})
        self.download = described(self._response, self._chunks())
        self._validators = _validators(self._response)
        self._taken, self._skip = 0, 0
        self._pace = _Pace(now, self.download.length)

    def close(self) -> None:
        """Let go of the connection."""
        self._response.close()

    def _chunks(self) -> Iterator[bytes]:
        fruitless = 0
        for _ in range(RESUMES_AT_MOST):
            before, reason, slow = self._taken, "", False
            try:
                for block in self._blocks():
                    yield block
                    if slow := self._pace.slow(len(block)):
                        reason = "its host sends too slowly"
                        break
                else:
                    if self._whole:
                        return
                    reason = f"it ended after {self._taken} of {self.download.length} bytes"
            except _Broken as broken:
                reason = str(broken)
            fruitless = 0 if self._taken > before and not slow else fruitless + 1
            while True:
                if not self._resumable or fruitless > len(PAUSES_S):
                    raise FetchFailed(reason)
                yield b""
                self._sleep(PAUSES_S[max(fruitless, 1) - 1])
                self._check_time()
                if self._resume():
                    break
                fruitless += 1
        raise FetchFailed("the connection broke again and again")

    @property
    def _whole(self) -> bool:
        return self.download.length in {None, self._taken}

    @property
    def _resumable(self) -> bool:
        return self.download.status == OK and bool(self._validators)

    def _check_time(self) -> None:
        if self._late() or self._now() > self._ends_at:
            raise FetchFailed(f"it took longer than {self._total_s:g} s")

    def _blocks(self) -> Iterator[bytes]:
        while block := self._block():
            self._check_time()
            skipped = min(self._skip, len(block))
            self._skip -= skipped
            self._taken += len(block) - skipped
            yield block[skipped:]
        self._check_time()  # a body without a declared length just seems to end

    def _block(self) -> bytes:
        try:
            # What has arrived, not a full block: a slow host's bytes are progress, too.
            return bytes(self._response.raw.read1(BLOCK, decode_content=True) or b"")
        except (requests.RequestException, HTTPError, OSError) as error:
            self._check_time()
            raise _Broken(f"the connection broke ({type(error).__name__})") from error

    def _resume(self) -> bool:
        """Ask for the rest; False when nobody answered well.

        Raises:
            FetchFailed: there is no rest to get: another body, a link that ended.
        """
        self._response.close()
        condition = {**self._validators, "Range": f"bytes={self._taken}-"}
        try:
            self._response = response = self._ask(condition)
        except LinkRefused:
            raise
        except FetchFailed:
            self._check_time()
            return False
        status = response.status_code
        if status in GONE:
            raise FetchFailed("its link died on the way")
        if status in CHANGED or (status in {OK, PARTIAL} and not self._same(response)):
            raise FetchFailed("it changed while it was read")
        self._skip = self._taken if status == OK else 0
        self._pace.restart()
        return status in {OK, PARTIAL}

    def _same(self, response: requests.Response) -> bool:
        """Whether this is the rest, or the whole, of the very body that was begun."""
        first = self._validators
        if any(_validators(response).get(name) != value for name, value in first.items()):
            return False
        length = self.download.length
        if response.status_code == OK:
            return length is None or described(response, iter(())).length == length
        found = RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if not found or digits(found[1], LENGTH_AT_MOST) != self._taken:
            return False
        return length is None or found[2] in {"*", str(length)}


class _Broken(Exception):
    """A connection that ended before its body did; the message says how."""


class _Pace:
    """The least rate, looked at once in a window."""

    def __init__(self, now: Callable[[], float], length: int | None) -> None:
        self._now = now
        self._least = min(LEAST_BYTES, (length or 0) // LEAST_SHARE)
        self.restart()

    def restart(self) -> None:
        self._since, self._bytes = self._now(), 0

    def slow(self, size: int) -> bool:
        self._bytes += size
        if self._now() - self._since < WINDOW_S:
            return False
        slow = self._bytes < self._least
        self.restart()
        return slow


def _validators(response: requests.Response) -> dict[str, str]:
    """What makes sure that a range is of the same body, as request headers; empty without.

    `If-Range` is the standard's; Object Storage Service documents `If-Match` and
    `If-Unmodified-Since` for GetObject and not `If-Range`, so both are sent, and what comes back
    is compared. A body that arrives encoded cannot be resumed: ranges count encoded bytes.
    """
    headers = response.headers
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        return {}
    tag, changed = headers.get("ETag", ""), headers.get("Last-Modified", "")
    if tag.startswith('"'):
        return {"If-Range": tag, "If-Match": tag}
    return {"If-Range": changed, "If-Unmodified-Since": changed} if changed else {}
