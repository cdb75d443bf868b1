"""A running service by its address: health, readiness, who may call, CORS, clock, its own address.

Every call is free: nothing is created, and without a key only what everybody may ask is asked. A
key is sent to that address alone, and never in clear over a network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from infra.doctor import clock
from infra.doctor.calls import LOOPBACK, Answer, Unreached, call
from infra.doctor.ports import title
from lib.core import catalogue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.doctor.report import Report

OK, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 200, 401, 403, 404
DEPLOY = "infra/dev deploy --project PROJECT"
ADDRESS = "terraform output -state=.inbetween/deploy/PROJECT/NAME/terraform.tfstate url"
LOG = "gcloud run services logs read inbetween-api --project=PROJECT --region=REGION"
NEEDED_HEADERS = ("authorization", "content-type", "idempotency-key")


@dataclass(frozen=True)
class Target:
    """Which service is looked at.

    Attributes:
        url: its address, without a trailing slash.
        key: a bearer key of an owner; None tells less.
        origins: browsers' origins that should be able to call it.
    """

    url: str
    key: str | None
    origins: Sequence[str]


def examine(report: Report, target: Target) -> None:
    """The lines about one service.

    Args:
        report: takes them.
        target: which.
    """
    health = call("GET", f"{target.url}/health")
    if isinstance(health, Unreached):
        _unreached(report, target, health)
        return
    encrypted = _encrypted(report, target)
    if not _healthy(report, health):
        return
    clock.compare(report, health, "the service")
    _ready(report, target)
    _contract(report, target)
    _auth(report, target, encrypted=encrypted)
    for origin in target.origins:
        _cors(report, target, origin)
    if not target.origins:
        report.left_out("CORS", "no --origin was given")


def _unreached(report: Report, target: Target, why: Unreached) -> None:
    subject = "TLS" if why.kind == "tls" else "health"
    remedy = {
        "tls": f"mend the certificate there, or use the address that is printed by {ADDRESS}",
        "name": ADDRESS,
        "refused": "infra/dev run --port 8080 (local), or infra/dev deploy --project PROJECT",
    }.get(why.kind, LOG)
    report.fault(subject, f"{target.url}: {why.why}", remedy)


def _encrypted(report: Report, target: Target) -> bool:
    parts = urlsplit(target.url)
    if parts.scheme == "https":
        report.fine("TLS", "the certificate is good")
        return True
    if parts.hostname in LOOPBACK:
        report.left_out("TLS", "not needed on this machine")
        return True
    report.fault(
        "TLS",
        "plain http over a network: anybody on the way reads the keys",
        f"use https://{parts.netloc}",
    )
    return False


def _healthy(report: Report, health: Answer) -> bool:
    if health.status == OK and health.data.get("status") == "ok":
        revision = health.data.get("revision")
        report.fine("health", f"ok, revision {revision}" if revision else "ok")
        return True
    if health.status == FORBIDDEN:
        report.fault(
            "health",
            "HTTP 403 before the service is reached: IAM lets nobody without an identity in",
            f"{DEPLOY} --var 'api_invokers=[\"allUsers\"]'",
        )
    else:
        report.fault(
            "health",
            f"HTTP {health.status}, which is no service of ours (or one that cannot start)",
            f"{ADDRESS} prints the right address; if it was that: {LOG}",
        )
    return False


def _ready(report: Report, target: Target) -> None:
    ready = call("GET", f"{target.url}/ready")
    if isinstance(ready, Unreached):
        report.fault("ready", ready.why, LOG)
        return
    warnings = ready.data.get("warnings")
    if ready.status != OK:
        report.fault(
            "ready",
            f"HTTP {ready.status}: {ready.said}",
            "infra/dev doctor --project PROJECT looks at the bucket and the rights on it",
        )
    elif warnings:
        for warning in warnings if isinstance(warnings, list) else [warnings]:
            report.fault("ready", str(warning), "infra/dev doctor --project PROJECT")
    else:
        report.fine("ready", "the bucket answers")


def _contract(report: Report, target: Target) -> None:
    contract = call("GET", f"{target.url}/openapi.json")
    named = title(contract) if isinstance(contract, Answer) else ""
    if not isinstance(contract, Answer) or not named:
        report.fault("contract", "/openapi.json is none of ours", "look at the address given")
        return
    report.fine("contract", named)
    servers = contract.data.get("servers")
    rows = servers if isinstance(servers, list) else []
    urls = [row.get("url") for row in rows if isinstance(row, dict)]
    for url in urls:
        # A relative one counts from where the contract lies (OpenAPI 3.1, "Server Object").
        _same(report, target, "address", urljoin(f"{target.url}/openapi.json", str(url)))


def _same(report: Report, target: Target, subject: str, said: str) -> None:
    """Whether an address that the service gives is the one that it was reached at."""
    if said.rstrip("/") == target.url:
        report.fine(subject, f"{target.url}, as it was called")
        return
    report.fault(
        subject,
        f"the service says {said}, and was reached at {target.url}",
        f"infra/dev doctor --url {said.rstrip('/')} if that is the right one; else deploy again "
        "with the address that callers use",
    )


def _auth(report: Report, target: Target, *, encrypted: bool) -> None:
    videos = f"{target.url}/v1/videos?limit=1"
    answer = call("GET", videos)
    if isinstance(answer, Unreached):
        report.fault("auth", answer.why, LOG)
        return
    if answer.status == OK:
        local = urlsplit(target.url).hostname in LOOPBACK
        if local:
            report.left_out("auth", "off: everybody on this machine is the owner `local`")
        else:
            report.fault(
                "auth",
                "off: whoever finds this address can make films at your cost",
                f"unset AUTH where it runs, set OWNER_KEYS, and deploy: {DEPLOY}",
            )
    elif answer.status == UNAUTHORIZED:
        report.fine("auth", "nobody without a key")
    else:
        report.fault("auth", f"HTTP {answer.status} instead of 401: {answer.said}", LOG)
    if target.key is None:
        report.left_out("key", "no --key was given")
    elif not encrypted:
        report.left_out("key", "not sent over plain http")
    else:
        _key(report, target, videos)


def _key(report: Report, target: Target, videos: str) -> None:
    headers = {"Authorization": f"Bearer {target.key}"}
    answer = call("GET", videos, headers=headers)
    if isinstance(answer, Unreached):
        report.fault("key", answer.why, LOG)
        return
    if answer.status == UNAUTHORIZED:
        report.fault(
            "key",
            "not known to the service",
            "infra/dev keys create OWNER makes one; instances read OWNER_KEYS when they start, so "
            f"deploy afterwards: {DEPLOY} --var owner_keys_secret_version=NUMBER",
        )
        return
    if answer.status != OK:
        report.fault("key", f"HTTP {answer.status}: {answer.said}", LOG)
        return
    report.fine("key", "accepted (the list of videos)")
    _upload_host(report, target, headers)


def _upload_host(report: Report, target: Target, headers: dict[str, str]) -> None:
    """The address that the service believes to have: a policy names it, and stores nothing."""
    query = f"action=getPolicy&model={catalogue.FLASH}"
    answer = call("GET", f"{target.url}/api/v1/uploads?{query}", headers=headers)
    data = answer.data.get("data") if isinstance(answer, Answer) else None
    host = data.get("upload_host") if isinstance(data, dict) else None
    if isinstance(host, str):
        _same(report, target, "upload host", host.removesuffix("/api/v1/uploads"))
    else:
        report.left_out("upload host", "not told")


def _cors(report: Report, target: Target, origin: str) -> None:
    answer = call(
        "OPTIONS",
        f"{target.url}/v1/videos",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": ", ".join(NEEDED_HEADERS),
        },
    )
    if isinstance(answer, Unreached):
        report.fault("CORS", answer.why, LOG)
        return
    allowed = answer.headers.get("Access-Control-Allow-Origin")
    passed = answer.headers.get("Access-Control-Allow-Headers", "").lower().replace(",", " ")
    lacking = [name for name in NEEDED_HEADERS if name not in passed.split()]
    if allowed not in {origin, "*"}:
        report.fault(
            "CORS",
            f"a page of {origin} may not call (the preflight names {allowed or 'no origin'})",
            f"{DEPLOY} --var 'allowed_origins=[…, \"{origin}\"]' with all of them, or locally "
            f"ALLOWED_ORIGINS={origin} infra/dev run",
        )
    elif lacking:
        report.fault(
            "CORS",
            f"a page of {origin} may not send {', '.join(lacking)}",
            f"{DEPLOY}, of this commit",
        )
    else:
        report.fine("CORS", f"pages of {origin} may call")
