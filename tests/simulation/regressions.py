"""Seeds that broke once, and what broke: each is lived again by a test.

A row names the seed, the troubles that were left out so that this break was the first one met, and
the sentence of the judge. Rows are only added. A seed draws its whole world: when what is drawn
changes, the same number lives another world, so a row is one more world, not the proof of a mend.
"""

from __future__ import annotations

from typing import NamedTuple


class Regression(NamedTuple):
    """One world that broke."""

    seed: int
    without: tuple[str, ...]
    broke: str


_CLEAR = ("poison", "distort", "signer", "homeless")

REGRESSIONS = (
    # One odd object stops everybody.
    Regression(1, (), "a tick crashed on `pending/`: jobs.py, not enough values to unpack"),
    Regression(10, (), "the same"),
    Regression(2, (), "a tick crashed on `outbox/`: outbox.py, not enough values to unpack"),
    Regression(37, (), "the same"),
    # The bucket's answers by their shape.
    Regression(5, (), "a number of an object was null: ValueError in the storage client"),
    Regression(8, (), "`timeCreated` was empty: ValueError in the storage client"),
    Regression(9, (), "the bucket answered 418: GoogleAPICallError out of a tick"),
    Regression(12, (), "`items` was null: TypeError in the storage client"),
    Regression(29, (), "`metageneration` was no number: ValueError in the storage client"),
    Regression(45, (), "`generation` was no number: ValueError in the storage client"),
    Regression(46, ("poison",), "a gate's `free` was no number: ValueError out of a tick"),
    # Who signs and who gives tokens.
    Regression(51, (), "a signer that failed was a crash: RefreshError"),
    Regression(25, (), "a signer that failed was a crash: TransportError"),
    Regression(21, (), "the metadata server that failed was a crash: RefreshError"),
    # A client without a key repeats until it is answered.
    Regression(19, (), "one wish, 2 tasks, in lost answers"),
    Regression(20, (), "one wish, 2 tasks, in refusals"),
    Regression(23, (), "one wish, 2 tasks, in kills and lost answers"),
    Regression(50, (), "one wish, 2 tasks"),
    Regression(32, (), "one wish, 2 tasks, of a film that cannot be stored"),
    Regression(8, _CLEAR, "one wish, 2 tasks"),
    # Films that cannot be stored hold the slots of everybody else for a day.
    Regression(31, (), "late: 88559 s, bound 2431 s"),
    Regression(34, (), "late: 88200 s, bound 2856 s, in fair weather"),
    Regression(42, (), "late: 88134 s, bound 1989 s"),
    Regression(16, _CLEAR, "late: 88059 s, bound 2437 s"),
    # Money.
    Regression(11, ("poison",), "paid 2 times: late creates, slow pages, lagging lists"),
    Regression(44, ("poison",), "paid 2 times"),
    Regression(53, _CLEAR, "paid 2 times"),
    Regression(39, ("poison",), "a paid film is lost: `expired` after an odd answer"),
)
