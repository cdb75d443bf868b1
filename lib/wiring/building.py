"""The only place that builds things: settings and a runtime in, a service out.

Knows every adapter and flow and how they fit together; decides nothing else. Tests call `build`
with a runtime of their own.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from lib.adapters import identity
from lib.adapters.bucket.client import Bucket
from lib.adapters.dashscope import DashScope
from lib.adapters.files import signing, uploads
from lib.adapters.files.artifacts import Artifacts
from lib.adapters.files.uploads import Temporaries
from lib.adapters.outbound.fetch import Fetcher
from lib.adapters.outbound.service_clock import ServiceClock
from lib.adapters.state.accounts import Accounts
from lib.adapters.state.jobs import Jobs
from lib.adapters.state.ledger import Ledger
from lib.adapters.state.outbox import Outbox
from lib.config import ConfigError
from lib.core import limits
from lib.core.webhooks import BadSecret, Secret
from lib.flows.context import Context, Times
from lib.flows.requests.uploads import reserve
from lib.flows.tick import tick
from lib.web.address import Address
from lib.web.app import App
from lib.web.auth import Auth, Tokens
from lib.web.compat.app import Compat
from lib.web.compat.uploads import POLICY_S, TemporaryUploads, signing_secret
from lib.web.local_only import LocalOnly
from lib.web.poll import Poll
from lib.wiring.storage import client_bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lib.adapters.files.v4 import Signer
    from lib.config import Config
    from lib.core.limits import OwnerLimits
    from lib.wiring.runtime import Runtime

T = TypeVar("T")

GOOGLE_STORAGE = "https://storage.googleapis.com"


@dataclass(frozen=True)
class Service:
    """What `main` calls."""

    api: App
    poll: Poll
    tick: Callable[[], dict[str, Any]]
    context: Context


def build(config: Config, runtime: Runtime) -> Service:
    """Put the service together.

    Args:
        config: the settings.
        runtime: clock, ids and transports.
    """
    clock = ServiceClock(runtime.now, Times().skew_s)
    runtime = replace(runtime, now=partial(_shared_now, runtime.now, clock))
    context = _context(config, runtime, clock)

    def run() -> dict[str, Any]:
        return tick(context)

    auth = Auth(
        config.owner_keys,
        off=config.auth_off,
        tokens=_tokens(config, runtime),
        local=_local_only(config),
    )
    app = App(
        context,
        auth,
        _compat(config, runtime, context, auth),
        origins=config.allowed_origins,
        max_body_bytes=config.max_body_bytes,
        implicit_s=config.implicit_dedupe_s,
        reached_at=Address(
            public_url=config.public_url, service=config.service, local=config.local
        ),
    )
    return Service(app, Poll(run, _admit(config, runtime), auth.check_source), run, context)


def _local_only(config: Config) -> LocalOnly:
    public = urlsplit(config.public_url or "").hostname
    hosts = (*config.allowed_hosts, *([public] if public else ()))
    return LocalOnly(hosts, config.allowed_origins)


def _shared_now(now: Callable[[], float], bucket_clock: ServiceClock) -> float:
    """The bucket's time, which our machines share, as far as it is known."""
    return now() + bucket_clock.ahead_s


def _compat(config: Config, runtime: Runtime, context: Context, auth: Auth) -> Compat:
    secret = signing_secret(config.owner_keys, [account.api_key for account in config.accounts])
    return Compat(
        context,
        auth,
        TemporaryUploads(context.temporaries, secret, runtime.now, partial(_count, context)),
        max_body_bytes=config.max_body_bytes,
        implicit_s=config.implicit_dedupe_s,
    )


def _count(context: Context, owner: str, key: str) -> None:
    """Count a temporary upload that is on its way."""
    reserve(context, owner, uploads.name(owner, key), POLICY_S)


def _context(config: Config, runtime: Runtime, clock: ServiceClock) -> Context:
    bucket = Bucket(client_bucket(config, runtime, clock), runtime.sleep)
    return Context(
        jobs=Jobs(bucket, runtime.together),
        accounts=Accounts(bucket),
        bucket_clock=clock,
        ledger=Ledger(bucket, runtime.now),
        outbox=Outbox(bucket),
        artifacts=_artifacts(config, runtime, bucket),
        temporaries=Temporaries(bucket, runtime.now),
        fetch=Fetcher(
            runtime.web_session,
            allow_loopback_http=config.local,
            now=runtime.now,
            sleep=runtime.sleep,
        ),
        upstreams=_upstreams(config, runtime),
        now=runtime.now,
        sleep=runtime.sleep,
        token=runtime.token,
        times=Times(tick_budget_s=config.tick_budget_s, first_look_s=config.first_look_s),
        limits=_limits(config),
        webhook_secrets=_webhook_secrets(config),
        together=runtime.together,
    )


def _artifacts(config: Config, runtime: Runtime, bucket: Bucket) -> Artifacts:
    return Artifacts(
        bucket,
        signer=once(lambda: _signer(config, runtime)),
        endpoint=config.storage_emulator or GOOGLE_STORAGE,
        now=runtime.now,
        url_ttl_s=config.signed_url_ttl_s,
    )


def _upstreams(config: Config, runtime: Runtime) -> dict[str, DashScope]:
    return {
        account.name: DashScope(
            base_url=account.base_url,
            api_key=account.api_key,
            region=account.region,
            delivery=account.delivery,
            connect=runtime.upstream_session,
            now=runtime.now,
            sleep=runtime.sleep,
        )
        for account in config.accounts
    }


def _webhook_secrets(config: Config) -> Mapping[str, tuple[Secret, ...]]:
    try:
        return {
            owner: tuple(Secret.parse(text) for text in texts)
            for owner, texts in config.webhook_secrets.items()
        }
    except BadSecret as reason:
        raise ConfigError(f"WEBHOOK_SECRETS: {reason}.") from None


def _limits(config: Config) -> Mapping[str, OwnerLimits]:
    regions = {account.region for account in config.accounts}
    try:
        return limits.parse(config.owner_limits, regions)
    except limits.BadLimits as reason:
        raise ConfigError(f"OWNER_LIMITS: {reason}") from None


def _signer(config: Config, runtime: Runtime) -> Signer:
    if config.signing_key_file:
        return signing.key_file_signer(config.signing_key_file)
    return signing.iam_signer(runtime.upstream_session())


def _admit(config: Config, runtime: Runtime) -> Callable[[Any], None]:
    return identity.invoker_check(
        audience=config.poll_audience,
        invoker=config.poll_invoker,
        open_to_all=config.auth_off,
        connect=runtime.upstream_session,
        now=runtime.now,
        certs_url=config.id_token_certs_url,
        behind_iam=config.poll_behind_iam,
    )


def _tokens(config: Config, runtime: Runtime) -> Tokens | None:
    if not config.id_token_audience:
        return None
    google = identity.Google(
        connect=runtime.upstream_session,
        now=runtime.now,
        certs_url=config.id_token_certs_url or identity.CERTS_URL,
    )
    return Tokens(google, config.id_token_audience, config.id_token_owners)


def once(make: Callable[[], T]) -> Callable[[], T]:
    """A function that makes a thing when it is first called, and returns that very thing for ever.

    Nothing is kept of a call that raises.
    """
    made: list[T] = []
    lock = threading.Lock()

    def get() -> T:
        with lock:
            if not made:
                made.append(make())
            return made[0]

    return get
