"""The two sample frames: a small blue monster in the rain, drawn by ourselves.

In the first frame it stands small and looks down; in the last the camera is nearer and it looks up
at the sky. Only reads the files beside this module; `draw_monster` makes them.
"""

from __future__ import annotations

from pathlib import Path

FIRST_FILE = Path(__file__).with_name("first.png")
LAST_FILE = Path(__file__).with_name("last.png")


def first() -> bytes:
    """The first frame as PNG, 1280x720."""
    return FIRST_FILE.read_bytes()


def last() -> bytes:
    """The last frame as PNG, 1280x720."""
    return LAST_FILE.read_bytes()
