"""An emulated DashScope for the kf2v models: tasks, lists, uploads, failures by name.

`UpstreamApp` is a WSGI application; `python -m lib.emulator upstream` serves it alone.
"""

from lib.emulator.upstream.app import UpstreamApp
from lib.emulator.upstream.tasks import Film, Timing

__all__ = ["Film", "Timing", "UpstreamApp"]
