"""Seeds that broke once, and what broke: each is lived again by a test.

A row names the seed, the troubles that were left out so that this break was the first one met, and
the sentence of the check. Rows are only added. A seed draws its whole world: when what is drawn
changes, the same number lives another world, so a row is one more world, not the proof of a mend.
"""

from __future__ import annotations

from typing import NamedTuple


class Regression(NamedTuple):
    """One world that broke."""

    seed: int
    without: tuple[str, ...]
    broke: str


_SIGNED = ("poison", "homeless", "signer")
_CLEAR = (*_SIGNED, "distort")

REGRESSIONS = (
    # One odd object stops everybody.
    Regression(1, (), "a tick crashed on `pending/`: jobs.py, not enough values to unpack"),
    Regression(10, (), "the same, in another storm"),
    Regression(5, (), "a tick crashed on `outbox/`: outbox.py, not enough values to unpack"),
    # The bucket's answers by their shape.
    Regression(3, (), "the bucket answered a list with 403: Forbidden out of a tick"),
    Regression(17, (), "the bucket answered a list with 302: GoogleAPICallError out of a tick"),
    Regression(35, (), "the same, in another storm"),
    Regression(4, _SIGNED, "the bucket answered 418: GoogleAPICallError out of a tick"),
    Regression(12, (), "`generation` was absent: TypeError out of a post"),
    Regression(18, (), "a number of an object was garbled: ValueError in the storage client"),
    Regression(31, (), "a page in place of a list: AttributeError in the storage client"),
    Regression(52, _SIGNED, "`timeCreated` was empty: ValueError in the storage client"),
    Regression(56, _SIGNED, "`generation` was -0.5: ValueError in the storage client"),
    Regression(3300088, (), "412 to a delete without a condition: Conflict out of a DELETE"),
    # Who signs and who gives tokens.
    Regression(15, (), "500 from GET /v1/videos/ID/content while nobody signed"),
    Regression(8, (), "a signer that failed was a crash of a post: TransportError"),
    Regression(25, (), "the same, in another storm"),
    Regression(16, (), "the metadata server that failed was a crash: RefreshError"),
    # A client without a key repeats until it is answered.
    Regression(7, (), "one wish, 2 tasks, in fair weather: the answer was not heard"),
    Regression(14, (), "one wish, 2 tasks, in slow answers"),
    Regression(19, (), "one wish, 2 tasks, in lost answers"),
    Regression(20, (), "one wish, 2 tasks, in refusals"),
    Regression(23, (), "one wish, 2 tasks, in kills"),
    # Films that cannot be stored hold the slots of everybody else for a day.
    Regression(40, (), "late: 86213 s, bound 2919 s, beside three films that cannot be stored"),
    Regression(26, _SIGNED, "late: 88484 s, bound 2729 s"),
    Regression(28, _CLEAR, "late: 88025 s, bound 3193 s"),
    # Money.
    Regression(34, _SIGNED, "paid 2 times: arrived at until + M, the list lagged"),
    Regression(
        59, (), "paid 2 times: arrived at until + M, the list lagged by D, clocks 10 s apart"
    ),
    Regression(60, (), "paid 2 times: the upstream's clock was 30 s behind"),
)
