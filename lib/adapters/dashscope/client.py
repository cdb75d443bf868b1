"""What the flows call: create, get, list, cancel and upload, each as one method.

Turns every answer, and every way of not answering, into the closed types of `core.upstream`; raises
nothing that the flows would have to guess about.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from lib.adapters.dashscope import creates, uploads
from lib.adapters.dashscope.connection import Connection, unavailable
from lib.adapters.dashscope.listing import TaskList
from lib.core.upstream import reader
from lib.core.upstream.outcomes import UNSUPPORTED, QueryFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from lib.core.upstream.create import Order
    from lib.core.upstream.outcomes import Listing, Outcome, Report


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
        # Which key sent a task decides which rows of the list can be its own; the key stays here.
        self.key_id = hashlib.sha256(f"inbetween upstream key {api_key}".encode()).hexdigest()[:12]
        self._connection = Connection(base_url, api_key, connect, now)
        self.clock = self._connection.clock
        self._tasks = TaskList(self._connection, now, sleep)

    def create(self, order: Order, until: float = math.inf) -> Outcome:
        """Ask for one task, once: a fresh connection, no retry, no redirect.

        Args:
            order: what for.
            until: when the sender's lease ends, Unix seconds: a large body whose last block is not
                out by then is broken off.

        Returns:
            `Accepted`, `Refused` (no task exists) or `Ambiguous` (one may exist).
        """
        return creates.create(self._connection, order, until)

    def get(self, task_id: str) -> Report | QueryFailed:
        """The state of one task; an unknown or old id is `UNKNOWN`, not an error."""
        data = self._connection.query("GET", f"/tasks/{task_id}")
        if isinstance(data, QueryFailed):
            return data
        report = reader.report(task_id, data, self._connection.now())
        if report is None:
            return unavailable("an answer without task_status")
        times = {name: at - self.clock.ahead_s for name, at in report.times.items()}
        return replace(report, times=times)

    def list(self) -> Listing | QueryFailed:
        """Every task of the last 24 hours, all pages; a part of it is never returned."""
        return self._tasks.read()

    def cancel(self, task_id: str) -> bool | QueryFailed:
        """Cancel a PENDING task.

        Returns:
            True when it is cancelled, False when the upstream says that it no longer can be.
        """
        data = self._connection.query("POST", f"/tasks/{task_id}/cancel")
        if isinstance(data, QueryFailed):
            return False if data.code == UNSUPPORTED else data
        return True

    def upload(
        self,
        data: bytes,
        filename: str,
        mime: str,
        model: str,
        within_s: float = uploads.UPLOAD_TOTAL_S,
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
        return uploads.upload(self._connection, data, filename, mime, model, within_s)
