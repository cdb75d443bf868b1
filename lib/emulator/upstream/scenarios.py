"""Failure by input: a `#name` in the prompt picks what goes wrong, without any other setting.

A word with a `#` that is no scenario is just a word. Everything else about the task stays as it is.
"""

from __future__ import annotations

import re
import threading
from collections import Counter

from lib.emulator.upstream.errors import UpstreamError, named

AT_CREATE = {
    "moderation-input": "the create is refused: 400 DataInspectionFailed",
    "arrears": "the create is refused: 400 Arrearage",
    "quota": "the create is refused: 403 AllocationQuota.FreeTierOnly",
    "denied": "the create is refused: 403 Model.AccessDenied",
    "unavailable": "the create is refused: 503 ModelUnavailable",
}
AT_END = {
    "moderation": "the task fails: DataInspectionFailed (output)",
    "infringement": "the task fails: IPInfringementSuspect",
    "internal": "the task fails: InternalError",
    "timeout": "the task fails: InternalError.Timeout, at once",
    "rewrite": "the task fails: RewriteFailed",
}
OTHERS = {
    "429x3": "the first 3 (or any number of) creates with this prompt are refused: 429 Throttling",
    "lost-submit": "the task is accepted, the connection is cut before the answer",
    "slow-submit": "the task is accepted, its answer comes 30 s later",
    "stuck": "the task stays RUNNING, and fails after 3 hours: InternalError.Timeout",
    "unknown": "a query says UNKNOWN, though the task runs and the list shows it",
    "truncated-mp4": "a third of the film is missing, with a matching Content-Length",
    "corrupt-mp4": "the film's sample description is zeroed",
    "wrong-type": "the result is an HTML page",
    "wrong-length": "the film is whole, its Content-Length claims more, the connection closes",
    "dead-link": "the result link is refused as expired from the start",
}
ALL = {**AT_CREATE, **AT_END, **OTHERS}
SLOW_SUBMIT_S = 30.0
WORD = re.compile(r"#([a-z0-9-]+)")
REFUSALS = re.compile(r"429x([0-9]{1,4})")


def scenario(prompt: str) -> str:
    """The first scenario that a prompt names; empty for none."""
    words = (match[1] for match in WORD.finditer(prompt))
    return next((word for word in words if word in ALL or REFUSALS.fullmatch(word)), "")


class Refusals:
    """Refuses creates whose prompt asks for it; counts for each prompt anew."""

    def __init__(self) -> None:
        self._met: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def check(self, account: str, prompt: str) -> None:
        """Refuse a create by its prompt.

        Raises:
            UpstreamError: the refusal that it asked for.
        """
        name = scenario(prompt)
        if name in AT_CREATE:
            raise named(name)
        repeated = REFUSALS.fullmatch(name)
        if repeated:
            self._count(account, prompt, int(repeated[1]))

    def _count(self, account: str, prompt: str, times: int) -> None:
        with self._lock:
            self._met[account, prompt] += 1
            if self._met[account, prompt] <= times:
                raise named("throttled")
            del self._met[account, prompt]

    def clear(self) -> None:
        """Start counting anew."""
        with self._lock:
            self._met.clear()


def failure_of(name: str) -> tuple[str, str] | None:
    """Code and message with which a scenario ends a task."""
    if name not in AT_END:
        return None
    error: UpstreamError = named(name)
    return error.code, error.message
