"""When a job must have ended at the latest, given what lay before it: a bound from its load.

Two tasks of an account run at a time. So a job waits at most for the work of everybody who was
alive on its account beside it, shared by two slots, plus its own, plus what each change of hands
costs a poller that comes once a minute. What the storm did is over with the storm, except for what
the protocol itself waits out: a doubt, a lease, a back-off.
"""

from __future__ import annotations

SLOTS = 2
# A tick sends, a tick sees the end, and each comes once a minute; a list may be put off once.
HAND_OVER_S = 150.0
# L + M + D until a doubt is settled, L + M + D more until it is given up, and two skews.
DOUBT_S = 2 * (30 + 60 + 60) + 2 * 10
# A copy's lease and its longest back-off: what a last fault of the storm may leave behind.
AFTERMATH_S = 120 + 600 + 60
CALM_BEGINS_S = 200.0


def bound_s(works_s, *, own_s, stormy):
    """How long a job may take from its creation, or from the end of the storm, seconds.

    Args:
        works_s: for each other job and stranger that was alive on its account beside it, how long
            its task took from accepted to ended.
        own_s: the same of this job.
        stormy: whether it lived in a storm, and is counted from the storm's end.
    """
    waves = len(works_s) // SLOTS + 1
    load_s = sum(works_s) / SLOTS + max(works_s, default=0.0) + own_s + waves * HAND_OVER_S
    return load_s + (DOUBT_S + AFTERMATH_S + CALM_BEGINS_S if stormy else 0.0)


def beside(jobs, job, since):
    """Those of the same account whose lives meet this one's after some moment.

    Args:
        jobs: all, with `id`, `account`, `begun` and `ended`.
        job: one of them.
        since: Unix seconds; who had ended before does not count.
    """
    start = max(job.begun, since)
    return [
        other
        for other in jobs
        if other.id != job.id
        and other.account == job.account
        and other.begun < job.ended
        and other.ended > start
    ]
