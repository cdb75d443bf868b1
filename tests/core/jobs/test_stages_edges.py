"""Nothing changes any more in four words, and everything may in the other two."""

from lib.core.jobs.stages import Status


def test_only_queued_and_in_progress_are_no_ends():
    ends = {str(status) for status in Status if status.terminal}
    assert ends == {"completed", "failed", "cancelled", "expired"}
