"""Result links: signed, expired after 24 hours, with ranges; and films that are wrong on purpose.

The links are Object Storage Service's: an invalid range is ignored unless the caller asks for the
standard behaviour; `If-Match` and `If-Unmodified-Since` hold; `If-Range`, which it does not
document, is not looked at. Sources: Model Studio, API reference of the kf2v models (life of
`video_url`); OSS documentation, "Use HTTP Range requests to get OSS resources in segments",
"Conditional download".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from werkzeug.http import http_date, parse_date
from werkzeug.wrappers import Response

from lib.emulator.upstream.faults import overlong
from lib.emulator.upstream.tasks import LINK_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Request

    from lib.emulator.clock import Clock
    from lib.emulator.upstream.tasks import Task, TaskStore

RANGE = re.compile(r"bytes=([0-9]{0,19})-([0-9]{0,19})")
PATH = re.compile(r"/results/([0-9a-f-]{36})\.mp4")
READS = frozenset({"GET", "HEAD"})


def xml_error(status: int, code: str, message: str) -> Response:
    """A refusal as Object Storage Service words it."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    )
    return Response(body, status, content_type="application/xml")


class Results:
    """The host that films are downloaded from.

    Args:
        tasks: whose films.
        clock: decides when links expire.
        base_url: scheme and host of the links.
        secret: signs them.
    """

    def __init__(self, tasks: TaskStore, clock: Clock, base_url: str, secret: bytes) -> None:
        self._tasks, self._clock = tasks, clock
        self._base_url, self._secret = base_url, secret

    def link(self, task: Task) -> str:
        """The link to a finished film; the same until it expires."""
        expires = int((task.ended_at or 0) + LINK_S)
        if task.scenario == "dead-link":
            expires = int(task.ended_at or 0) - 1
        signature = self._sign(task.id, str(expires))
        return f"{self._base_url}/results/{task.id}.mp4?Expires={expires}&Signature={signature}"

    def _sign(self, task_id: str, expires: str) -> str:
        message = f"{task_id}\n{expires}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()[:32]

    def answer(self, request: Request) -> Response:
        """The film behind a link; 403 when the link has expired or is forged."""
        match, query = PATH.fullmatch(request.path), request.args
        if match is None:
            return xml_error(404, "NoSuchKey", "The specified key does not exist.")
        if request.method not in READS:
            return xml_error(405, "MethodNotAllowed", "The specified method is not allowed.")
        genuine = self._sign(match[1], query.get("Expires", ""))
        if not hmac.compare_digest(genuine, query.get("Signature", "")):
            message = "The request signature we calculated does not match the one you provided."
            return xml_error(403, "SignatureDoesNotMatch", message)
        if self._clock.now() > int(query["Expires"]):
            return xml_error(403, "AccessDenied", "Request has expired.")
        task = self._tasks.finished(match[1])
        if task is None:
            return xml_error(404, "NoSuchKey", "The specified key does not exist.")
        film = self._tasks.film(task)
        changed_at = int(task.ended_at or 0)
        return _damage(task.scenario, film, lambda data: _part(data, request, changed_at))


def _damage(scenario: str, film: bytes, show: Callable[[bytes], Response]) -> Response:
    if scenario == "truncated-mp4":
        return show(film[: len(film) * 2 // 3])
    if scenario == "corrupt-mp4":
        at = film.find(b"stsd")
        return show(film[:at] + bytes(64) + film[at + 64 :])
    if scenario == "wrong-type":
        page = "<html><body>please log in</body></html>"
        return Response(page, content_type="text/html")
    response = show(film)
    if scenario == "wrong-length":
        return overlong(response, response.get_data(), 1000)
    return response


def _part(film: bytes, request: Request, changed_at: int) -> Response:
    standard = request.headers.get("x-oss-range-behavior") == "standard"
    tag = f'"{hashlib.md5(film, usedforsecurity=False).hexdigest().upper()}"'
    headers = {"Accept-Ranges": "bytes", "ETag": tag, "Last-Modified": http_date(changed_at)}
    if not _holds(request, tag, changed_at):
        message = "At least one of the pre-conditions you specified did not hold."
        return xml_error(412, "PreconditionFailed", message)
    total, asked = len(film), RANGE.fullmatch(request.headers.get("Range", "").partition(",")[0])
    found = _bounds(asked[1], asked[2], total, standard=standard) if asked else None
    if asked and found is None and standard:
        refusal = xml_error(416, "InvalidRange", "The requested range cannot be satisfied")
        refusal.headers["Content-Range"] = f"bytes */{total}"
        return refusal
    if found is None:
        return Response(film, 200, headers, content_type="video/mp4")
    first, last = found
    headers["Content-Range"] = f"bytes {first}-{last}/{total}"
    return Response(film[first : last + 1], 206, headers, content_type="video/mp4")


def _holds(request: Request, tag: str, changed_at: int) -> bool:
    wanted = request.headers.get("If-Match")
    since = parse_date(request.headers.get("If-Unmodified-Since"))
    return wanted in {None, tag} and (since is None or changed_at <= since.timestamp())


def _bounds(first: str, last: str, total: int, *, standard: bool) -> tuple[int, int] | None:
    """First and last byte of a range, None for one that the service ignores or refuses."""
    if not first and not last:
        return None
    if not first:
        size = min(int(last), total) if standard else int(last)
        return (total - size, total - 1) if 0 < size <= total else None
    start, end = int(first), int(last or total - 1)
    if standard:
        end = min(end, total - 1)
    return (start, end) if start <= end < total else None
