"""An emulated DashScope for the kf2v models: tasks, lists, uploads, failures by name.

`UpstreamApp` is a WSGI application; `python -m lib.emulator upstream` serves it alone.
"""

from lib.emulator.upstream.app import DEFAULT_KEYS, UpstreamApp
from lib.emulator.upstream.timing import FilmSource, Timing

__all__ = ["DEFAULT_KEYS", "FilmSource", "Timing", "UpstreamApp"]
