"""What a terminal shows: plain lines everywhere, one moving line on a terminal.

Respects NO_COLOR and pipes; knows nothing of jobs.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH = 28


class Screen:
    """Writes to standard output.

    Args:
        environ: of this process, for NO_COLOR.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._live = sys.stdout.isatty()
        self._colour = self._live and not environ.get("NO_COLOR")
        self._shown = ""
        self._started = time.monotonic()

    def line(self, text: str = "") -> None:
        """One line that stays."""
        self._wipe()
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def done(self, label: str, text: str) -> None:
        """Something that worked, with a short label before it."""
        mark = "\033[32m✓\033[0m" if self._colour else "✓"
        self.line(f"  {mark} {label:<10} {text}")

    def progress(self, percent: int, text: str) -> None:
        """A bar that moves; on a pipe only changes of the text are written."""
        filled = WIDTH * percent // 100
        bar = "█" * filled + "░" * (WIDTH - filled)
        seconds = time.monotonic() - self._started
        if self._live:
            self._wipe()
            self._shown = f"    {bar} {percent:3d} %  {text}  {seconds:.0f} s"
            sys.stdout.write(self._shown)
            sys.stdout.flush()
        elif text != self._shown:
            self._shown = text
            sys.stdout.write(f"    {bar} {percent:3d} %  {text}\n")
            sys.stdout.flush()

    def restart(self) -> None:
        """Count the seconds of the next bar from now."""
        self._started, self._shown = time.monotonic(), ""

    def _wipe(self) -> None:
        if self._live and self._shown:
            sys.stdout.write("\r\033[K")
            self._shown = ""
