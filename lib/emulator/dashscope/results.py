"""Result links: signed, dead after 24 hours, with ranges; and films that are wrong on purpose."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from lib.emulator.wire import Dropped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lib.emulator.clock import Clock
    from lib.emulator.dashscope.faults import Faults
    from lib.emulator.dashscope.tasks import Task, Tasks

LINK_S = 24 * 3600
BLOCK = 1 << 16
RANGE = re.compile(r"bytes=(\d+)-(\d*)")
EXPIRED = (
    '<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code>'
    "<Message>Request has expired.</Message></Error>"
)


class Results:
    """The host that films are downloaded from.

    Args:
        tasks: whose films.
        clock: decides when links die.
        base_url: scheme and host of the links.
        secret: signs them.
    """

    def __init__(self, tasks: Tasks, clock: Clock, base_url: str, secret: bytes) -> None:
        self._tasks, self._clock = tasks, clock
        self._base_url, self._secret = base_url, secret

    def link(self, task: Task) -> str:
        """The link to a finished film; the same until it dies."""
        expires = int((task.ended_at or 0) + LINK_S)
        signature = self._sign(task.id, str(expires))
        return f"{self._base_url}/results/{task.id}.mp4?Expires={expires}&Signature={signature}"

    def _sign(self, task_id: str, expires: str) -> str:
        message = f"{task_id}\n{expires}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()[:32]

    def answer(
        self, task_id: str, query: dict[str, str], asked: str | None, method: str, faults: Faults
    ) -> Response:
        """The film behind a link; 403 when the link is dead or forged, 404 without a film."""
        expires = query.get("Expires", "")
        genuine = hmac.compare_digest(self._sign(task_id, expires), query.get("Signature", ""))
        if not genuine or self._clock.now() > int(expires):
            return Response(EXPIRED, 403, content_type="application/xml")
        task = next((task for task in self._tasks if task.id == task_id), None)
        if task is None or task.status != "SUCCEEDED":
            return Response(EXPIRED, 404, content_type="application/xml")
        fault = faults.take("result")
        if fault is not None and fault.kind == "status":
            return Response(EXPIRED, fault.status, content_type="application/xml")
        if fault is not None and fault.kind == "drop":
            raise Dropped("a declared fault cut result")
        cut = fault.at if fault is not None and fault.kind == "cut" else None
        return _film(self._tasks.film(task), task.scenario, asked, method, cut)


def _film(film: bytes, scenario: str, asked: str | None, method: str, cut: int | None) -> Response:
    kind = "video/mp4"
    if scenario == "truncated-mp4":
        film = film[: len(film) * 2 // 3]
    elif scenario == "corrupt-mp4":
        at = film.find(b"stsd")
        film = film[:at] + bytes(64) + film[at + 64 :]
    elif scenario == "wrong-type":
        film, kind = b"<html><body>please log in</body></html>", "text/html"
    headers = {"Accept-Ranges": "bytes", "ETag": f'"{hashlib.sha256(film).hexdigest()[:32]}"'}
    status, total = 200, len(film)
    if match := RANGE.fullmatch(asked or ""):
        first, last = int(match[1]), min(int(match[2] or total), total - 1)
        status, film = 206, film[first : last + 1]
        headers["Content-Range"] = f"bytes {first}-{last}/{total}"
    headers["Content-Length"] = str(len(film))
    body = _blocks(film, cut) if method == "GET" else iter(())
    return Response(body, status, headers, content_type=kind, direct_passthrough=True)


def _blocks(film: bytes, cut: int | None) -> Iterator[bytes]:
    for at in range(0, len(film), BLOCK):
        block = film[at : at + BLOCK]
        if cut is not None and at + len(block) > cut:
            yield block[: max(cut - at, 0)]
            raise Dropped("a declared fault cut the film")
        yield block
