"""What was found, line by line: as text for a person, as JSON for a program, as an exit status.

A line is fine, a fault or left out; a fault names the command that mends it, and what was left out
says why. Knows every secret that a run was given and strikes them out of whatever is printed.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET_AT_LEAST = 4  # characters: anything shorter would strike words out
STRUCK_OUT = "[struck out]"
WIDTH = 16


class State(StrEnum):
    """How a finding stands."""

    FINE = "fine"
    FAULT = "fault"
    LEFT_OUT = "left out"


SIGNS = {State.FINE: "✓", State.FAULT: "✗", State.LEFT_OUT: "·"}


@dataclass(frozen=True)
class Finding:
    """One line.

    Attributes:
        part: the heading it stands under.
        state: how it stands.
        subject: what was looked at.
        found: what was found; for what was left out, why.
        remedy: the command that mends it, or what to do; only a fault has one.
    """

    part: str
    state: State
    subject: str
    found: str
    remedy: str = ""


@dataclass
class Report:
    """Everything that one run found.

    Attributes:
        findings: in the order in which they were found.
    """

    findings: list[Finding] = field(default_factory=list)
    _part: str = ""
    _secrets: set[str] = field(default_factory=set, repr=False)

    def begin(self, part: str) -> None:
        """Everything from here on stands under a new heading."""
        self._part = part

    def hide(self, *secrets: str | None) -> None:
        """Strike these texts out of everything that is printed."""
        self._secrets |= {text for text in secrets if text and len(text) >= SECRET_AT_LEAST}

    def fine(self, subject: str, found: str) -> None:
        """Note what is as it should be."""
        self.findings.append(Finding(self._part, State.FINE, subject, found))

    def fault(self, subject: str, found: str, remedy: str) -> None:
        """Note what is not.

        Args:
            subject: what was looked at.
            found: what was found.
            remedy: the command that mends it, or what to do.
        """
        self.findings.append(Finding(self._part, State.FAULT, subject, found, remedy))

    def left_out(self, subject: str, why: str) -> None:
        """Note what was not looked at, or what is optional and missing."""
        self.findings.append(Finding(self._part, State.LEFT_OUT, subject, why))

    @contextmanager
    def odd_answers(self, subject: str) -> Iterator[None]:
        """Make a fault of what trips over an answer that no document describes.

        Args:
            subject: what is looked at meanwhile.
        """
        try:
            yield
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            found = f"an answer in an undocumented shape ({type(error).__name__})"
            self.fault(subject, found, "run it again; if it stays, infra/doctor has to learn it")

    @property
    def faults(self) -> int:
        """How many lines are faults."""
        return sum(finding.state is State.FAULT for finding in self.findings)

    @property
    def status(self) -> int:
        """The exit status: 0 without a fault, 1 with one."""
        return 1 if self.faults else 0

    def text(self) -> str:
        """For a person, with a heading for each part and a last line that sums up."""
        lines: list[str] = []
        part = None
        for finding in self.findings:
            if finding.part != part:
                part = finding.part
                lines += ["", part] if lines else [part]
            lines.append(f"{SIGNS[finding.state]} {finding.subject:<{WIDTH}} {finding.found}")
            if finding.remedy:
                lines.append(f"  {'':<{WIDTH}} → {finding.remedy}")
        return self._struck("\n".join([*lines, "", self._summary(), ""]))

    def json(self) -> str:
        """For a program: `ok`, `faults` and every finding."""
        rows = [
            {
                "part": self._struck(finding.part),
                "state": finding.state.value,
                "subject": self._struck(finding.subject),
                "found": self._struck(finding.found),
                **({"remedy": self._struck(finding.remedy)} if finding.remedy else {}),
            }
            for finding in self.findings
        ]
        whole = {"ok": not self.faults, "faults": self.faults, "findings": rows}
        return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"

    def _summary(self) -> str:
        left = sum(finding.state is State.LEFT_OUT for finding in self.findings)
        faults = {0: "No fault", 1: "1 fault"}.get(self.faults, f"{self.faults} faults")
        return f"{faults}; {len(self.findings) - left} looked at, {left} left out or optional."

    def _struck(self, text: str) -> str:
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, STRUCK_OUT)
        return text
