"""The only place that builds things: settings in, a service out, once per process and on first use.

Clock, ids, sleep and transports enter the house here; tests call `build` with their own.
"""

from __future__ import annotations

import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lib import config as configuration
from lib import logs
from lib.adapters import heap, identity
from lib.adapters.bucket.client import Bucket
from lib.adapters.bucket.errors import translated
from lib.adapters.dashscope import DashScope
from lib.adapters.files import signing
from lib.adapters.files.artifacts import Artifacts
from lib.adapters.files.uploads import Temporaries
from lib.adapters.outbound.deadline import timed_session
from lib.adapters.outbound.fetch import Fetcher, guarded_session
from lib.adapters.outbound.service_clock import ServiceClock
from lib.adapters.state.accounts import Accounts
from lib.adapters.state.jobs import Jobs
from lib.adapters.state.ledger import Ledger
from lib.adapters.state.outbox import Outbox
from lib.core import limits
from lib.core.webhooks import BadSecret, Secret
from lib.flows.context import Kit, Times, in_turn
from lib.flows.tick import tick
from lib.web.app import App
from lib.web.auth import Auth, Tokens
from lib.web.compat.app import Compat
from lib.web.compat.uploads import Uploads, signing_secret
from lib.web.poll import Poll

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import requests

    from lib.adapters.files.v4 import Signer
    from lib.config import Config
    from lib.core.limits import OwnerLimits

GOOGLE_STORAGE = "https://storage.googleapis.com"


@dataclass(frozen=True)
class Wires:
    """What differs between a cloud, a laptop and a test.

    Attributes:
        now: Unix seconds.
        sleep: waits that many seconds.
        token: 16 random hex characters.
        storage_session: the transport of the storage client; None lets it make its own.
        upstream_session: makes a session to DashScope.
        web_session: the session for pictures, films and webhooks.
        together: runs several calls that wait for strangers.
    """

    now: Callable[[], float]
    sleep: Callable[[float], None]
    token: Callable[[], str]
    storage_session: requests.Session | None
    upstream_session: Callable[[], requests.Session]
    web_session: requests.Session
    together: Callable[[Sequence[Callable[[], Any]]], list[Any]] = in_turn


@dataclass(frozen=True)
class Service:
    """What `main` calls."""

    api: App
    poll: Poll
    tick: Callable[[], dict[str, Any]]
    kit: Kit


_lock = threading.Lock()
_service: Service | None = None


def service() -> Service:
    """The service of this process.

    Raises:
        ConfigError: a setting is missing or out of bounds.
    """
    global _service  # noqa: PLW0603 - one service for each process, built after the fork
    with _lock:
        if _service is None:
            heap.return_large_blocks()
            config = configuration.load()
            logs.setup(
                json_lines=not config.local,
                project=config.project,
                service=config.service,
                revision=config.revision,
            )
            _service = build(config, _wires(config))
        return _service


def build(config: Config, wires: Wires) -> Service:
    """Put the house together.

    Args:
        config: the settings.
        wires: clock, ids and transports.
    """
    clock = ServiceClock(wires.now, Times().skew_s)
    # Our machines share the bucket: its clock is theirs.
    wires = replace(wires, now=lambda now=wires.now: now() + clock.ahead_s)  # type: ignore[misc]
    kit = _kit(config, wires, clock)

    def run() -> dict[str, Any]:
        return tick(kit)

    auth = Auth(config.owner_keys, off=config.auth_off, tokens=_tokens(config, wires))
    app = App(
        kit,
        auth,
        _compat(config, wires, kit, auth),
        origins=config.allowed_origins,
        max_body_bytes=config.max_body_bytes,
        implicit_s=config.implicit_dedupe_s,
        local=config.local,
    )
    return Service(app, Poll(run, _admit(config, wires)), run, kit)


def _compat(config: Config, wires: Wires, kit: Kit, auth: Auth) -> Compat:
    secret = signing_secret(config.owner_keys, [account.api_key for account in config.accounts])
    return Compat(
        kit,
        auth,
        Uploads(kit.temporaries, secret, wires.now),
        max_body_bytes=config.max_body_bytes,
        implicit_s=config.implicit_dedupe_s,
    )


def _kit(config: Config, wires: Wires, clock: ServiceClock) -> Kit:
    bucket = Bucket(_client_bucket(config, wires, clock), wires.sleep)
    return Kit(
        jobs=Jobs(bucket),
        accounts=Accounts(bucket),
        bucket_clock=clock,
        ledger=Ledger(bucket, wires.now),
        outbox=Outbox(bucket),
        artifacts=Artifacts(
            bucket,
            signer=_once(lambda: _signer(config, wires)),
            endpoint=config.storage_emulator or GOOGLE_STORAGE,
            now=wires.now,
            url_ttl_s=config.signed_url_ttl_s,
        ),
        temporaries=Temporaries(bucket, wires.now),
        fetch=Fetcher(
            wires.web_session,
            allow_loopback_http=config.local,
            now=wires.now,
            sleep=wires.sleep,
        ),
        upstreams={
            account.name: DashScope(
                base_url=account.base_url,
                api_key=account.api_key,
                region=account.region,
                delivery=account.delivery,
                connect=wires.upstream_session,
                now=wires.now,
                sleep=wires.sleep,
            )
            for account in config.accounts
        },
        now=wires.now,
        sleep=wires.sleep,
        token=wires.token,
        times=Times(tick_budget_s=config.tick_budget_s, first_look_s=config.first_look_s),
        limits=_limits(config),
        webhook_secrets=_webhook_secrets(config),
        together=wires.together,
    )


def _webhook_secrets(config: Config) -> Mapping[str, tuple[Secret, ...]]:
    try:
        return {
            owner: tuple(Secret.parse(text) for text in texts)
            for owner, texts in config.webhook_secrets.items()
        }
    except BadSecret as reason:
        raise configuration.ConfigError(f"WEBHOOK_SECRETS: {reason}.") from None


def _limits(config: Config) -> Mapping[str, OwnerLimits]:
    regions = {account.region for account in config.accounts}
    try:
        return limits.parse(config.owner_limits, regions)
    except limits.BadLimits as reason:
        raise configuration.ConfigError(f"OWNER_LIMITS: {reason}") from None


def _client_bucket(config: Config, wires: Wires, clock: ServiceClock) -> Any:
    from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415 - 0.2 s of a start
    from google.cloud import storage  # noqa: PLC0415 - as above

    if config.storage_emulator:
        client = storage.Client(
            project="local",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": config.storage_emulator},
            _http=wires.storage_session,
        )
    else:
        client = storage.Client(_http=wires.storage_session)
    clock.watch(client._http)  # noqa: SLF001 - the client shows its transport under no other name
    return client.bucket(config.bucket)


def _signer(config: Config, wires: Wires) -> Signer:
    if config.signing_key_file:
        return signing.key_file_signer(config.signing_key_file)
    return signing.iam_signer(wires.upstream_session())


def _admit(config: Config, wires: Wires) -> Callable[[Any], None]:
    return identity.door(
        audience=config.poll_audience,
        invoker=config.poll_invoker,
        open_to_all=config.auth_off,
        connect=wires.upstream_session,
        now=wires.now,
        certs_url=config.id_token_certs_url,
        behind_iam=config.poll_behind_iam,
    )


def _tokens(config: Config, wires: Wires) -> Tokens | None:
    if not config.id_token_audience:
        return None
    google = identity.Google(
        connect=wires.upstream_session,
        now=wires.now,
        certs_url=config.id_token_certs_url or identity.CERTS_URL,
    )
    return Tokens(google, config.id_token_audience, config.id_token_owners)


def _once(make: Callable[[], Signer]) -> Callable[[], Signer]:
    made: list[Signer] = []
    lock = threading.Lock()

    def get() -> Signer:
        with lock:
            if not made:
                made.append(make())
            return made[0]

    return get


def _wires(config: Config) -> Wires:

    return Wires(
        now=_emulated_clock(config.emulator_clock_url) if config.emulator_clock_url else time.time,
        sleep=time.sleep,
        token=lambda: secrets.token_hex(8),
        storage_session=None,
        upstream_session=timed_session,
        web_session=guarded_session(allow_loopback_http=config.local),
        together=_at_once,
    )


def _at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Several calls, each in a thread of its own; whoever answers slowly delays nobody else."""
    with ThreadPoolExecutor(max(len(calls), 1)) as pool:
        return list(pool.map(lambda call: call(), calls))


def _emulated_clock(url: str) -> Callable[[], float]:
    """The emulator's clock: its distance from ours is asked for once a second."""
    import requests  # noqa: PLC0415 - local only

    known = {"offset": 0.0, "asked": float("-inf")}

    def now() -> float:
        here = time.monotonic()
        if here - known["asked"] > 1.0:
            answer = translated(lambda: requests.get(url, timeout=(1, 2)).json())
            known["offset"], known["asked"] = answer["now"] - time.time(), here
        return time.time() + known["offset"]

    return now
