"""An emulated Cloud Storage that really checks preconditions and signatures.

`StorageApp` is a WSGI application; `python -m lib.emulator storage` serves it alone.
"""

from lib.emulator.storage.app import StorageApp

__all__ = ["StorageApp"]
