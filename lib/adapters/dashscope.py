"""DashScope's asynchronous tasks over plain HTTP: create, get, list, cancel, temporary upload.

Turns every answer, and every way of not answering, into the closed types of `core.upstream`; raises
nothing that the flows would have to guess about. Wire facts: Alibaba Cloud Model Studio, "Wan
image-to-video by first and last frame" API reference, "Asynchronous task management" and "Error
codes"; all restated in `lib/emulator/PROTOCOL.md`.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lib.adapters.outbound.deadline import unread_redirects, within
from lib.adapters.outbound.service_clock import ServiceClock
from lib.core import errors
from lib.core.outside.numbers import http_date, retry_after_s
from lib.core.upstream import reader
from lib.core.upstream.blocks import Blocks, TooSlow, in_blocks
from lib.core.upstream.create import Order, create_headers
from lib.core.upstream.outcomes import UNSUPPORTED, Ambiguous, Listing, QueryFailed, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import requests

    from lib.core.upstream.outcomes import Outcome, Report, Row

__all__ = ["DashScope", "Order"]

CREATE_PATH = "/services/aigc/image2video/video-synthesis"
CONNECT_S = 3.05
CREATE_TOTAL_S = 20.0
QUERY_TIMEOUT_S = (CONNECT_S, 10.0)
QUERY_TOTAL_S = 15.0  # a trickle of bytes extends no read
# A large body goes out in blocks; the first number is the timeout of the connect and of each block.
BLOCK_TIMEOUT_S = 10.0
UPLOAD_TIMEOUT_S = (BLOCK_TIMEOUT_S, 20.0)
UPLOAD_TOTAL_S = 80.0  # 10 MB at 1 Mbit/s
PAGE_SIZE = 50
PAGES_AT_MOST = 100
PAGE_GAP_S = 0.125  # 8 a second; the account has 20
LIST_AT_MOST_S = 20.0  # what is read later may lack what the first page could not show yet
ANSWER_AT_MOST = 1 << 20
CLOCK_AT_MOST_S = 300.0  # `Times.far_s`: what the protocol can bear
RECORD_S, AHEAD_AT_MOST_S = 26 * 3600.0, 900.0  # a row's time: of the last day, and not to come
PAUSE_AT_MOST_S = 300.0  # what a `Retry-After` can ask for; limits recover within a minute


class DashScope:
    """One account in one region.

    Args:
        base_url: up to and including `/api/v1`.
        api_key: the account's key.
        region: for messages.
        delivery: how frames reach it (`link`, `upload`, `inline`).
        connect: makes a session; a create gets a fresh one, queries share one.
        now: Unix seconds.
        sleep: waits that many seconds between two pages of a list.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        region: str,
        delivery: str,
        connect: Callable[[], requests.Session],
        now: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self.region, self.delivery = region, delivery
        # The service's clock, as every answer shows it.
        self.clock = ServiceClock(now, CLOCK_AT_MOST_S)
        # Which key sent a task decides which rows of the list can be its own; the key stays here.
        self.key_id = hashlib.sha256(f"inbetween upstream key {api_key}".encode()).hexdigest()[:12]
        self._base, self._key, self._now = base_url, api_key, now
        self._make_session = connect
        self._sleep = sleep
        self._shared: requests.Session | None = None

    def _connected(self) -> requests.Session:
        return self.clock.watch(unread_redirects(self._make_session()), self._base)

    def create(self, order: Order, until: float = math.inf) -> Outcome:
        """Ask for one task, once: a fresh connection, no retry, no redirect.

        Args:
            order: what for.
            until: when the sender's lease ends, Unix seconds: a large body whose last block is not
                out by then is broken off.

        Returns:
            `Accepted`, `Refused` (no task exists) or `Ambiguous` (one may exist).
        """
        import requests  # noqa: PLC0415 - only a paid submit needs it

        data = in_blocks(json.dumps(order.body(), ensure_ascii=False).encode(), until, self._now)
        large, started = isinstance(data, Blocks), self._now()
        try:
            with (
                within(CREATE_TOTAL_S + order.takes_s),
                self._connected() as session,
                session.post(
                    self._base + CREATE_PATH,
                    data=data,
                    headers=self._headers(create_headers(order)),
                    timeout=(BLOCK_TIMEOUT_S if large else CONNECT_S, CREATE_TOTAL_S - CONNECT_S),
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                # A large body's time is its lease's; what follows has the usual time.
                begun = data.ended_at if isinstance(data, Blocks) else started
                body = self._read(response, (begun or started) + CREATE_TOTAL_S)
                return reader.outcome(response.status_code, body, _retry_after(response))
        except TooSlow as reason:
            return _not_sent("TooSlow", str(reason))
        except requests.RequestException as error:
            if _before_the_body(error):
                return _not_sent(type(error).__name__, "no connection")
            if isinstance(data, Blocks) and data.ended_at is None:
                # Its length was declared and its end never left us: nobody can have read a whole
                # request, let alone have made a task of it.
                return _not_sent(type(error).__name__, "the body did not get out")
            return Ambiguous(type(error).__name__)
        except (OSError, ValueError) as error:  # an answer that the client trips over
            return Ambiguous(type(error).__name__)

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        import requests  # noqa: PLC0415 - as in create
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - as in create

        body = b""
        try:
            # What has arrived, not a full block: a trickle would extend the time of the latter.
            while chunk := response.raw.read1(1 << 14, decode_content=True):
                body += chunk
                if len(body) > ANSWER_AT_MOST or self._now() > deadline:
                    raise requests.ReadTimeout("the answer does not end")
        except (HTTPError, OSError) as error:
            raise requests.ConnectionError(type(error).__name__) from error
        return body

    def get(self, task_id: str) -> Report | QueryFailed:
        """The state of one task; an unknown or old id is `UNKNOWN`, not an error."""
        data = self._query("GET", f"/tasks/{task_id}")
        if isinstance(data, QueryFailed):
            return data
        report = reader.report(task_id, data, self._now())
        if report is None:
            return _unavailable("an answer without task_status")
        times = {name: at - self.clock.ahead_s for name, at in report.times.items()}
        return replace(report, times=times)

    def list(self) -> Listing | QueryFailed:
        """Every task of the last 24 hours, all pages; a part of it is never returned.

        A list is as old as its first page was asked: one that takes long, or whose pages do not
        fit together, is none.
        """
        rows: list[Row] = []
        at, total = self._now(), None
        for number in range(1, PAGES_AT_MOST + 1):
            if number > 1:
                self._sleep(PAGE_GAP_S)
            data = self._query("GET", f"/tasks?page_no={number}&page_size={PAGE_SIZE}")
            if isinstance(data, QueryFailed):
                return data
            page = reader.page(data)
            if page is None:
                return _unavailable("a list in an unknown shape")
            if self._now() - at > LIST_AT_MOST_S:
                return _unavailable(f"a list that takes longer than {LIST_AT_MOST_S:g} s")
            if total not in {None, page.total}:
                return _unavailable("a list that changed while it was read")
            total = page.total
            rows += [self._by_our_clock(row, at) for row in page.rows]
            if number >= page.pages:
                return _whole(rows, total, at)
        return _unavailable("a list without an end")

    def _by_our_clock(self, row: Row, at: float) -> Row:
        """The row's times as our clock has them; one that no list of a day can hold is none."""
        ahead_s, times = self.clock.ahead_s, {}
        for name in ("created_at", "ended_at"):
            value = getattr(row, name)
            if value is not None and at - RECORD_S <= value - ahead_s <= at + AHEAD_AT_MOST_S:
                times[name] = value - ahead_s
        return replace(row, created_at=times.get("created_at"), ended_at=times.get("ended_at"))

    def cancel(self, task_id: str) -> bool | QueryFailed:
        """Cancel a PENDING task.

        Returns:
            True when it is cancelled, False when the upstream says that it no longer can be.
        """
        data = self._query("POST", f"/tasks/{task_id}/cancel")
        if isinstance(data, QueryFailed):
            return False if data.code == UNSUPPORTED else data
        return True

    def upload(
        self, data: bytes, filename: str, mime: str, model: str, within_s: float = UPLOAD_TOTAL_S
    ) -> str | QueryFailed:
        """Put a frame on DashScope's own temporary storage (48 h, this model and account only).

        Args:
            data: the frame.
            filename: the last part of its name there.
            mime: its type.
            model: that it is for.
            within_s: how long it may take, seconds.

        Returns:
            Its `oss://` name.
        """
        import requests  # noqa: PLC0415 - as in create
        from urllib3.filepost import encode_multipart_formdata  # noqa: PLC0415 - as in create

        until = self._now() + within_s
        answer = self._query("GET", f"/uploads?action=getPolicy&model={model}")
        if isinstance(answer, QueryFailed):
            return answer
        try:
            host, fields = _upload_form(answer.get("data"), filename, mime)
        except (KeyError, TypeError):
            return _unavailable("an upload policy in an unknown shape")
        body, kind = encode_multipart_formdata({**fields, "file": (filename, data)})
        try:
            response = self._session().post(
                host,
                data=in_blocks(body, until, self._now),
                headers={"Content-Type": kind},
                timeout=UPLOAD_TIMEOUT_S,
                allow_redirects=False,
            )
        except (requests.RequestException, TooSlow) as error:
            return _unavailable(f"upload: {type(error).__name__}")
        if response.status_code != 200:  # noqa: PLR2004 - asked for by success_action_status
            return _unavailable(f"upload: HTTP {response.status_code}")
        return f"oss://{fields['key']}"

    def _query(self, method: str, path: str) -> dict[str, Any] | QueryFailed:
        import requests  # noqa: PLC0415 - as in create

        deadline = self._now() + QUERY_TOTAL_S
        try:
            with (
                within(QUERY_TOTAL_S),
                self._session().request(
                    method,
                    self._base + path,
                    headers=self._headers({}),
                    timeout=QUERY_TIMEOUT_S,
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                data = reader.parse(self._read(response, deadline))
        except (requests.RequestException, OSError, ValueError) as error:
            return _unavailable(type(error).__name__, type(error).__name__)
        if response.status_code == 200 and data is not None:  # noqa: PLR2004 - HTTP's own
            return data
        code = str((data or {}).get("code") or f"HTTP {response.status_code}")
        limited = response.status_code == 429  # noqa: PLR2004 - HTTP's own
        kind = errors.RATE_LIMITED if limited else errors.UPSTREAM_UNAVAILABLE
        if response.status_code in {401, 403}:
            kind = errors.UPSTREAM_AUTH
        message = reader.sentence((data or {}).get("message")) or code
        return QueryFailed(kind, message, reader.code_of(code), limited, _retry_after(response))

    def _session(self) -> requests.Session:
        if self._shared is None:
            self._shared = self._connected()
        return self._shared

    def _headers(self, more: Mapping[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}", "Accept": "application/json", **more}


def _whole(rows: Sequence[Row], total: int | None, at: float) -> Listing | QueryFailed:
    """The pages together, if they are what the service said they would be."""
    ids = [row.task_id for row in rows if row.task_id]
    if len(rows) != total or len(ids) != len(set(ids)):
        return _unavailable(f"a list of {total} tasks with {len(rows)} rows, {len(set(ids))} named")
    return Listing(tuple(rows), at)


def _unavailable(why: str, code: str = "") -> QueryFailed:
    return QueryFailed(errors.UPSTREAM_UNAVAILABLE, why, code)


def _not_sent(code: str, message: str) -> Refused:
    return Refused(errors.UPSTREAM_UNAVAILABLE, code, message, waits=True)


def _upload_form(policy: Any, filename: str, mime: str) -> tuple[str, dict[str, str]]:
    """Where a form is posted to, and its fields but for the file."""
    fields = {
        "OSSAccessKeyId": policy["oss_access_key_id"],
        "Signature": policy["signature"],
        "policy": policy["policy"],
        "key": f"{policy['upload_dir']}/{filename}",
        "x-oss-object-acl": policy["x_oss_object_acl"],
        "x-oss-forbid-overwrite": policy["x_oss_forbid_overwrite"],
        "success_action_status": "200",
        "x-oss-content-type": mime,
    }
    host = policy["upload_host"]
    if not all(isinstance(value, str) for value in (host, *fields.values())):
        raise TypeError("a policy of other things than texts")
    return host, fields


def _before_the_body(error: Exception) -> bool:
    """Whether the request cannot have reached the service: no address, no connection, no TLS."""
    import requests  # noqa: PLC0415 - as in create
    from urllib3 import exceptions as urllib3_errors  # noqa: PLC0415 - as in create

    if isinstance(error, requests.ConnectTimeout | requests.exceptions.InvalidURL):
        return True
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(error, requests.exceptions.SSLError):
        return "CERTIFICATE_VERIFY_FAILED" in str(error)
    return isinstance(
        reason, urllib3_errors.NewConnectionError | urllib3_errors.NameResolutionError
    )


def _retry_after(response: requests.Response) -> float | None:
    text, date = response.headers.get("Retry-After"), http_date(response.headers.get("Date"))
    return retry_after_s(text, date or 0.0, PAUSE_AT_MOST_S)
