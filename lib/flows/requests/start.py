"""A job begins: its intent is written, then it is sent or left to a tick.

Once the pending object exists, whatever goes wrong is ours and the caller gets the job. Whether it
exists is looked up when the answer of the write is lost; an error says so when nobody knows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lib import logs
from lib.core import catalogue, errors
from lib.core.errors import ApiError
from lib.core.jobs.job import Job, Stage, State
from lib.core.upstream.outcomes import Refused
from lib.flows.tasks.prepare import prepare
from lib.flows.tasks.send import POST_S, dispatch, lease, send, slow_down

if TYPE_CHECKING:
    from lib.adapters.state.jobs import Held
    from lib.core.jobs.job import Intent
    from lib.core.upstream.create import Order
    from lib.flows.context import Context

AGAIN = "Send the same request again: within ten minutes it counts as the same."
AGAIN_WITH_KEY = (
    "Send the same request again, with the same Idempotency-Key if it had one: it counts as the "
    "same."
)


class NotKnown(ApiError):
    """Whether the job was written; the message says so."""


def start(context: Context, intent: Intent, *, direct: bool) -> tuple[bool, Job]:
    """Write the job, and send it if that may be.

    Args:
        context: what the flows work with.
        intent: not written yet.
        direct: whether the account's gate has let it pass.

    Returns:
        Whether this call wrote it, and the job.

    Raises:
        ApiError: it is not written; `NotKnown` when nobody can say.
    """
    state = _queued(context, intent)
    order: Order | Refused | None = None
    if direct and context.upstreams[intent.account].delivery == "link":
        # Links are signed in no time, so that create-once can be the lease.
        order = prepare(context, intent, POST_S)
        if isinstance(order, Refused):
            state = replace(state, tries=1, reason=order.kind.code)
        else:
            state = lease(context, state)
    held = _written(context, intent, state)
    if held is None:
        # The same key at the same moment: the other attempt wrote the job.
        return False, _now(context, intent, state)
    job: Job | None = None
    try:
        logs.event("job.created", job=intent.id, account=intent.account, stage=str(state.stage))
        job = _sent(context, held, intent, order, direct=direct)
    except ApiError as error:
        # The intent is safe and a tick carries it on: the caller gets the job, not our trouble.
        logs.event("submit.interrupted", job=intent.id, reason=error.kind.code)
    except Exception:  # noqa: BLE001 - as above, whatever it is
        logs.crash("submit.interrupted", job=intent.id)
    return True, job or _now(context, intent, state)


def _queued(context: Context, intent: Intent) -> State:
    model = catalogue.resolve(intent.region, intent.request.model)
    return State(
        stage=Stage.QUEUED,
        by=context.token(),
        since=context.now(),
        account=intent.account,
        model=model.name,
        eta_s=model.typical_s[intent.request.resolution],
    )


def _sent(
    context: Context, held: Held, intent: Intent, order: Order | Refused | None, *, direct: bool
) -> Job | None:
    """The job after its first send, if it had one; None where only the bucket knows."""
    if isinstance(order, Refused):
        slow_down(context, intent.account, order)
    elif order:
        return send(context, held, intent, order)
    elif direct:
        return dispatch(context, held, intent, POST_S)[1]
    return Job(intent, held.state)


def _written(context: Context, intent: Intent, state: State) -> Held | None:
    """Write the job; None when another attempt has.

    Raises:
        ApiError: nobody can say whether it is written.
    """
    try:
        return context.jobs.create(intent, state)
    except Exception as error:
        if not isinstance(error, ApiError):
            logs.crash("submit.interrupted", job=intent.id)
        live = _look(context, intent)
        if live is None:
            raise NotKnown(
                errors.STORAGE_UNAVAILABLE,
                "The bucket did not confirm the job, and it is not known whether it was written. "
                + (AGAIN_WITH_KEY if intent.key else AGAIN),
                retry_after_s=5,
            ) from error
        return live if live.state == state else None


def _look(context: Context, intent: Intent) -> Held | None:
    try:
        return context.jobs.live(intent.owner, intent.id)
    except Exception:  # noqa: BLE001 - then it stays unknown
        return None


def _now(context: Context, intent: Intent, state: State) -> Job:
    try:
        return context.jobs.find(intent.owner, intent.id) or Job(intent, state)
    except Exception:  # noqa: BLE001 - what was written is shown, as far as we know it
        return Job(intent, state)
