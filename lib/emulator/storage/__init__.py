"""An emulated Cloud Storage that keeps its promises: conditions hold, signatures are checked.

`StorageApp` is a WSGI application; `python -m lib.emulator storage` serves it alone.
"""

from lib.emulator.storage.app import StorageApp

__all__ = ["StorageApp"]
