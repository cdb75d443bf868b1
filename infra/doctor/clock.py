"""This machine's clock beside a reference's: the `Date` of answers that came anyway.

Says nothing of whose clock is right: a machine is set by its own time service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.flows.context import Times

if TYPE_CHECKING:
    from infra.doctor.calls import Answer
    from infra.doctor.report import Report

SUBJECT = "clock"
MEND = "sudo timedatectl set-ntp true (Linux), sudo sntp -sS time.apple.com (macOS)"


def compare(report: Report, answer: Answer, whose: str) -> None:
    """One line about the clocks.

    Args:
        report: takes it.
        answer: of the reference.
        whose: what the reference is called.
    """
    tolerance_s = Times().skew_s  # beyond it the service itself sends nothing
    off_s = answer.clock.off_s
    if not answer.headers.get("Date") or "Age" in answer.headers:
        report.left_out(SUBJECT, f"{whose} sends no Date of its own")
    elif off_s > tolerance_s:
        report.fault(
            SUBJECT,
            f"{off_s:,.0f} s apart from {whose}; {tolerance_s:g} s are tolerated",
            MEND,
        )
    else:
        report.fine(SUBJECT, f"agrees with {whose} (tolerance {tolerance_s:g} s)")
