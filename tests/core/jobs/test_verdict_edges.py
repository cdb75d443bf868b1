"""A verdict that does not say whether it was paid was not: only a task can have been billed."""

from lib.core.errors import UPSTREAM_FAILED
from lib.core.jobs.job import Failure, Status, StoredVideo, Verdict


def test_a_verdict_is_of_nothing_paid_unless_it_says_so():
    plain = Verdict(Status.CANCELLED, 5.0)
    assert plain.paid is False
    assert Verdict.from_json({"status": "cancelled", "ended_at": 5.0}) == plain


def test_nobody_knows_is_another_word_than_no():
    for paid in (True, False, None):
        stored = Verdict(Status.FAILED, 5.0, paid=paid).to_json()
        assert stored["paid"] is paid
        assert Verdict.from_json(stored).paid is paid


def test_a_verdict_bears_its_failure_and_its_film_and_null_where_there_is_none():
    failure = Failure(UPSTREAM_FAILED, "It broke.", retryable=True, upstream_code="InternalError")
    failed = Verdict(Status.FAILED, 5.0, failure)
    made = Verdict(Status.COMPLETED, 5.0, video=StoredVideo("videos/a/x.mp4", 1, 2))
    assert (failed.to_json()["failure"], failed.to_json()["video"]) == (failure.to_json(), None)
    assert (made.to_json()["failure"], made.to_json()["video"]) == (None, made.video.to_json())
    assert [Verdict.from_json(one.to_json()) for one in (failed, made)] == [failed, made]
