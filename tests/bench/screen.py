"""What a bench prints: its table, and not the log lines of the flows that it drives in this process."""

import os
import sys
from contextlib import contextmanager, redirect_stdout
from functools import partial
from pathlib import Path


@contextmanager
def table():
    """A `print` that reaches the terminal while everything else that is printed goes nowhere."""
    terminal = sys.stdout
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        yield partial(print, file=terminal, flush=True)
