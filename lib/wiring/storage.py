"""The storage client, made for a cloud or for the emulator, and how many connections it keeps.

Asks nobody anything: the bucket need not exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    import requests

    from lib.adapters.outbound.service_clock import ServiceClock
    from lib.config import Config
    from lib.wiring.runtime import Runtime

CONNECTIONS = 32  # kept to the bucket; a tick serves eight accounts at once


def client_bucket(config: Config, runtime: Runtime, clock: ServiceClock) -> Any:
    """The bucket of the real client, over the transport of a runtime.

    Args:
        config: which bucket, and where.
        runtime: its transport; None lets the client make its own, with credentials.
        clock: listens to the times of the bucket's answers.
    """
    from google.auth.credentials import AnonymousCredentials  # 0.2 s of a start
    from google.cloud import storage

    if config.storage_emulator:
        client = storage.Client(
            project="local",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": config.storage_emulator},
            _http=runtime.storage_session,
        )
    else:
        client = storage.Client(_http=runtime.storage_session)
    if runtime.storage_session is None:
        _keep_connections(client._http)  # noqa: SLF001 - as below
    clock.watch(client._http)  # noqa: SLF001 - the client shows its transport under no other name
    return client.bucket(config.bucket)


def _keep_connections(session: requests.Session) -> None:
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS))
