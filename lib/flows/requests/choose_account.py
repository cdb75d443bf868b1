"""Which upstream account takes a new job, and whether it may be sent at once.

The gates are read while other calls are under way; a job is sent by its request only if that wins
the write to a gate with a free place. Safety never depends on a gate: a job that wins none is
queued, and a tick sends it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lib.flows.context import SEND_EVERY_S
from lib.flows.tasks import clocks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lib.adapters.state.ledger import Gate
    from lib.flows.context import Context

READ_AHEAD = 4  # gates at once; the storage client keeps ten connections


def read_gates(context: Context, accounts: Sequence[str]) -> dict[str, Gate]:
    """The gates of the first few accounts, by account.

    Args:
        context: what the flows work with.
        accounts: that may run the job, in the order in which they are tried.

    Raises:
        ApiError: the bucket does not answer.
    """
    names = accounts[:READ_AHEAD]
    gates = context.together([partial(context.ledger.gate, name) for name in names])
    return dict(zip(names, gates, strict=True))


def choose(context: Context, accounts: Sequence[str], read: Mapping[str, Gate]) -> tuple[str, bool]:
    """The account of a job, and whether its request has won the right to send it at once.

    Args:
        context: what the flows work with.
        accounts: that may run it, at least one.
        read: gates that were read a moment ago; the others are read when their turn comes.

    Raises:
        ApiError: the bucket does not answer.
    """
    for name in accounts:
        gate = read.get(name) or context.ledger.gate(name)
        if not _open(context, gate):
            continue
        # One that was read earlier may have changed since: read anew, it is tried once more.
        if _pass(context, gate) or (name in read and _pass(context, context.ledger.gate(name))):
            return name, True
    return accounts[int(context.token(), 16) % len(accounts)], False


def _open(context: Context, gate: Gate) -> bool:
    now = context.now()
    return gate.free > 0 and now >= gate.next_send and not clocks.off(context, gate.account)


def _pass(context: Context, gate: Gate) -> bool:
    if not _open(context, gate):
        return False
    changes = {"free": gate.free - 1, "next_send": context.now() + SEND_EVERY_S}
    return context.ledger.move_gate(gate, context.token(), **changes) is not None
