"""The service of this process, built once and on first use.

`building` puts it together over the `runtime` of this machine. Nothing happens at import: gunicorn
forks after it.
"""

from __future__ import annotations

from lib import config as configuration
from lib import logs
from lib.wiring import runtime
from lib.wiring.building import Service, build, once


def _first() -> Service:
    config = configuration.load()
    logs.setup(
        json_lines=not config.local,
        project=config.project,
        service=config.service,
        revision=config.revision,
    )
    return build(config, runtime.real(config))


_service = once(_first)


def service() -> Service:
    """The service of this process.

    Raises:
        ConfigError: a setting is missing or out of bounds.
    """
    return _service()
