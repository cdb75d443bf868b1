"""Everything of a create that can fail or take long, done before anybody holds the lease to send.

Links are signed, frames read, and uploaded where the region wants that. Whatever goes wrong here
cannot have reached the upstream's tasks: the job waits with its reason, and nobody is in doubt.
"""

from __future__ import annotations

import base64
from functools import partial
from typing import TYPE_CHECKING

from lib import logs
from lib.core.errors import INTERNAL_ERROR, ApiError
from lib.core.upstream.create import Order
from lib.core.upstream.outcomes import QueryFailed, Refused

if TYPE_CHECKING:
    from lib.adapters.dashscope import DashScope
    from lib.core.jobs.job import FrameRef, Intent
    from lib.flows.context import Context

LINK_TTL_S = 12 * 3600  # a task may wait upstream for hours before it downloads its frames
UPLOAD_KEPT_S = 12 * 3600.0  # of the 48 hours that the upstream keeps it
DATA_URI_AT_MOST = 10485760  # characters (Model Studio, "Error codes"): about 7.8 MB of picture
INLINE_AT_MOST = DATA_URI_AT_MOST + (1 << 20)  # both together: what a lease has time for
COPIES = 4  # of a frame in memory at the peak: as bytes, as base64, in the body, on its way


def prepare(context: Context, intent: Intent, within_s: float) -> Order | Refused:
    """The order for an intent, ready to be sent.

    Args:
        context: what the flows work with.
        intent: what was asked for.
        within_s: how long uploads may take, seconds.

    Returns:
        `Refused` with `waits` when it cannot be made ready now; the upstream was asked for nothing.
    """
    try:
        return _order(context, context.upstreams[intent.account], intent, within_s)
    except ApiError as error:
        return Refused(error.kind, "prepare", error.message, waits=True)
    except Exception:  # noqa: BLE001 - nothing was sent, whatever it was: the job can wait
        logs.crash("submit.unprepared", job=intent.id)
        return Refused(INTERNAL_ERROR, "prepare", INTERNAL_ERROR.title, waits=True)


def _order(
    context: Context, upstream: DashScope, intent: Intent, within_s: float
) -> Order | Refused:
    refs = [ref for ref in (intent.first, intent.last) if ref]
    if upstream.delivery == "link":
        links = [context.artifacts.link(ref.object, ttl_s=LINK_TTL_S).url for ref in refs]
        return Order(intent.request, links[0], links[1] if intent.last else None)
    sources: list[str] = []
    with context.fetch_memory.held(COPIES * sum(ref.bytes for ref in refs)):
        ways = _ways(upstream, refs)
        calls = [
            partial(_frame_source, context, upstream, intent, ref, way, within_s)
            for ref, way in zip(refs, ways, strict=True)
        ]
        for found in context.together(calls):
            if isinstance(found, ApiError):
                raise found
            if isinstance(found, QueryFailed):
                return Refused(
                    found.kind,
                    "upload",
                    found.message,
                    waits=True,
                    limited=found.limited,
                    retry_after_s=found.retry_after_s,
                )
            sources.append(found)
    return Order(intent.request, sources[0], sources[1] if intent.last else None)


def _ways(upstream: DashScope, refs: list[FrameRef]) -> list[str]:
    """`inline` or `upload` for each frame: what does not fit into a body is uploaded instead."""
    left, ways = INLINE_AT_MOST, []
    for ref in refs:
        size = len(f"data:{ref.mime};base64,") + -(-ref.bytes // 3) * 4
        inline = upstream.delivery == "inline" and size <= min(DATA_URI_AT_MOST, left)
        left -= size if inline else 0
        ways.append("inline" if inline else "upload")
    return ways


def _frame_source(
    context: Context, upstream: DashScope, intent: Intent, ref: FrameRef, way: str, within_s: float
) -> str | QueryFailed | ApiError:
    """One frame as the order names it; trouble is an answer, so that the other frame goes on."""
    memory = f"{intent.account} {upstream.key_id} {ref.object}"
    if way == "upload" and (known := context.uploaded.get(memory, context.now())):
        return known
    try:
        data = context.artifacts.frame(ref)
        if data is None:
            # The frame was removed; the upstream will say so as it does for links.
            return context.artifacts.link(ref.object, ttl_s=LINK_TTL_S).url
    except ApiError as error:
        return error
    if way == "inline":
        return f"data:{ref.mime};base64,{base64.b64encode(data).decode()}"
    filename = ref.object.rpartition("/")[2]
    found = upstream.upload(data, filename, ref.mime, intent.request.model, within_s)
    if isinstance(found, str):
        context.uploaded.put(memory, found, context.now() + UPLOAD_KEPT_S)
    return found
