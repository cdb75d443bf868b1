"""Clients that send no Idempotency-Key: the request itself is the key, for a while.

SDKs re-send a create whose answer was lost (the DashScope Python SDK does so once, on a dropped
connection). A request that says the same as one of the last seconds is taken for such a re-send.
The window slides: it is counted from the job that the first attempt led to, so it has no border
that a re-send could fall behind, and no attempt leaves it while it is still under way.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from lib.adapters.jobs import Tombstone
from lib.core.job import Stage

if TYPE_CHECKING:
    from lib.adapters.ledger import KeyEntry
    from lib.core.request import VideoRequest
    from lib.flows.kit import Kit


RESENT = "again-"  # before the token of a window that a re-send began


def implicit_key(
    kit: Kit, owner: str, request: VideoRequest, window_s: float, attempt: int | None = None
) -> str | None:
    """The key to hand to `submit` for a request that came without one.

    One object in the bucket (`keys/`, create-once) says which attempt began the current window of
    this request; its token is part of the key. A window that is over is replaced under the object's
    generation, so that of two instances only one begins the next.

    Args:
        kit: the hands.
        owner: whose request.
        request: as parsed, frames included.
        window_s: for how long a repetition is a re-send, seconds; 0 turns it off.
        attempt: which try of one call it is, for a client that says so: 0 is a wish of its own.
            None for one that does not: any repetition is a re-send.

    Raises:
        ApiError: the bucket does not answer.
    """
    if window_s <= 0:
        return None
    fingerprint = request.fingerprint(owner)
    token = kit.token() if attempt in {0, None} else f"{RESENT}{kit.token()}"
    anchor = _hash(f"implicit window {fingerprint}")
    entry = kit.ledger.take_key(owner, anchor, token, fingerprint, kit.now())
    if attempt == 0 and entry.id != token:
        # A first try that its own re-send has overtaken is no second wish.
        late = entry.id.startswith(RESENT) and not _over(kit, owner, entry, window_s)
        wish = entry.id.removeprefix(RESENT) if late else token
        kit.ledger.replace_key(owner, anchor, entry, wish, fingerprint, kit.now())
        return _key(replace(entry, id=wish))
    if entry.id != token and _over(kit, owner, entry, window_s):
        kit.ledger.replace_key(owner, anchor, entry, token, fingerprint, kit.now())
        entry = kit.ledger.key(owner, anchor) or entry
    return _key(entry)


def _key(entry: KeyEntry) -> str:
    return f"implicit:{entry.fingerprint}:{entry.id.removeprefix(RESENT)}"


def _over(kit: Kit, owner: str, entry: KeyEntry, window_s: float) -> bool:
    """Whether the same request would now be a new wish.

    An attempt without a job is under way or dead: the key leads to its id, and `submit` takes it
    over. As long as nobody knows whether the upstream has a task, nothing may be sent beside it. A
    job that ended unpaid leaves nothing that could be paid twice, and a cancelled one is not what
    its owner asks for again.
    """
    bound = kit.ledger.key(owner, _hash(_key(entry)))
    if bound is None:
        return False
    try:
        job = kit.jobs.find(owner, bound.id)
    except Tombstone:
        return True
    if job is None:
        return False
    if job.verdict and job.verdict.paid is False:
        return True
    if job.state and job.state.stage in {Stage.SENDING, Stage.UNSURE}:
        return False
    accepted = job.state.accepted_at if job.state else 0.0
    return kit.now() - max(job.intent.created_at, accepted) > window_s


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
