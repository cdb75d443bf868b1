"""The films' bucket: that it is there, who may do what in it, what it sweeps, who may play it.

Rights of the functions' accounts are read from the bucket's policy, role by role; a grant on the
whole project is not looked at, since none is made. Sources: Cloud Storage JSON API, "Buckets: get",
"getIamPolicy" and "testIamPermissions"; IAM API, "roles.get" and "serviceAccounts.getIamPolicy".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from infra.doctor.calls import Answer
from infra.doctor.google import NOT_FOUND, OK, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from infra.doctor.google import Google, Names
    from infra.doctor.report import Report

RIGHTS = tuple(f"storage.objects.{verb}" for verb in ("create", "get", "list", "delete", "update"))
FUNCTIONS = ("api", "poll")
SIGNER = "roles/iam.serviceAccountTokenCreator"
USER = "roles/storage.objectUser"
NEVER_SWEPT = ("pending/", "gates/", "accounts/")
METHODS = {"GET", "HEAD", "PUT"}
SWEEP = re.compile(r'^ +"(\w+/)" += (\d+|var\.\w+)', re.MULTILINE)
OPTIONAL = {"videos/", "jobs/"}  # kept for ever unless a variable says otherwise
DAY_S = 24 * 3600


@dataclass(frozen=True)
class Films:
    """Which bucket, and what it is for.

    Attributes:
        bucket: its name.
        origins: browsers' origins that should be able to play from it.
        root: the checkout, whose Terraform files say what the bucket sweeps.
    """

    bucket: str
    origins: Sequence[str]
    root: Path


def examine(report: Report, google: Google, names: Names, films: Films) -> None:
    """The lines about the bucket and about signing.

    Args:
        report: takes them.
        google: asks.
        names: of the parts.
        films: the bucket.
    """
    answer = google.ask("storage", f"/storage/v1/b/{films.bucket}")
    if isinstance(answer, Answer) and answer.status == OK:
        report.fine("bucket", f"{films.bucket}, in {answer.data.get('location')}")
        _settings(report, names, films, answer.data)
        _own_rights(report, google, films)
        _rights(report, google, names, films)
    elif isinstance(answer, Answer) and answer.status == NOT_FOUND:
        report.fault("bucket", f"{films.bucket} does not exist", names.deploy)
    else:
        report.fault("bucket", *refusal(answer, "storage", names.project))
    for role in FUNCTIONS:
        _signing(report, google, names, names.account(role))


def _settings(report: Report, names: Names, films: Films, data: Mapping[str, Any]) -> None:
    access = data.get("iamConfiguration") or {}
    change = f"gcloud storage buckets update gs://{films.bucket}"
    if (access.get("uniformBucketLevelAccess") or {}).get("enabled"):
        report.fine("uniform access", "on: rights stand in the policy alone")
    else:
        found = "off: access lists of single objects count, which nobody looks at"
        report.fault("uniform access", found, f"{change} --uniform-bucket-level-access")
    if access.get("publicAccessPrevention") == "enforced":
        report.fine("public access", "prevented")
    else:
        found = "not prevented: one grant to allUsers would publish every film"
        report.fault("public access", found, f"{change} --public-access-prevention")
    _sweep(report, names, films, data)
    kept_s = int((data.get("softDeletePolicy") or {}).get("retentionDurationSeconds") or 0)
    kept = f"{kept_s / DAY_S:g} days, and billed" if kept_s else "off: what is deleted is gone"
    report.left_out("soft delete", f"{kept}; either is right")
    for origin in films.origins:
        _cors(report, names, films, origin, data.get("cors") or [])
    if not films.origins:
        report.left_out("bucket CORS", "the service has no allowed origins")


def _sweep(report: Report, names: Names, films: Films, data: Mapping[str, Any]) -> None:
    rules = [
        rule.get("condition") or {}
        for rule in (data.get("lifecycle") or {}).get("rule") or []
        if (rule.get("action") or {}).get("type") == "Delete"
    ]
    swept = {prefix for rule in rules for prefix in rule.get("matchesPrefix") or [""]}
    lost = [name for name in NEVER_SWEPT if any(name.startswith(prefix) for prefix in swept)]
    if lost:
        report.fault(
            "lifecycle",
            f"a rule deletes {', '.join(lost)}: jobs in flight would be lost, and paid again",
            f"gcloud storage buckets update gs://{films.bucket} --clear-lifecycle, then "
            f"{names.deploy}",
        )
    text = (films.root / "infra/terraform/bucket.tf").read_text("utf-8")
    wanted = [prefix for prefix, _ in SWEEP.findall(text) if prefix not in OPTIONAL]
    missing = [prefix for prefix in wanted if prefix not in swept]
    if missing:
        found = f"nothing sweeps {', '.join(missing)}: they grow for ever"
        report.fault("lifecycle", found, names.deploy)
    elif not lost:
        report.fine("lifecycle", f"sweeps {', '.join(sorted(swept))}")


def _cors(
    report: Report,
    names: Names,
    films: Films,
    origin: str,
    rules: Sequence[Mapping[str, Any]],
) -> None:
    allowed = {
        method
        for rule in rules
        if {origin, "*"} & set(rule.get("origin") or [])
        for method in rule.get("method") or []
    }
    if allowed >= METHODS:
        report.fine("bucket CORS", f"pages of {origin} may play and upload")
    else:
        lacking = ", ".join(sorted(METHODS - allowed))
        report.fault(
            "bucket CORS",
            f"pages of {origin} may not {lacking}: films do not play there",
            f"{names.deploy} --var 'allowed_origins={json.dumps(list(films.origins))}'",
        )


def _own_rights(report: Report, google: Google, films: Films) -> None:
    query = urlencode([("permissions", right) for right in RIGHTS])
    answer = google.ask("storage", f"/storage/v1/b/{films.bucket}/iam/testPermissions?{query}")
    if not isinstance(answer, Answer) or answer.status != OK:
        report.left_out("your own rights", refusal(answer, "storage", google.project)[0])
        return
    held = set(answer.data.get("permissions") or [])
    said = ", ".join(
        f"{right.rpartition('.')[2]} {'yes' if right in held else 'no'}" for right in RIGHTS
    )
    report.left_out("your own rights", f"{said} (the service needs none of them)")


def _rights(report: Report, google: Google, names: Names, films: Films) -> None:
    path = f"/storage/v1/b/{films.bucket}/iam?optionsRequestedPolicyVersion=3"
    answer = google.ask("storage", path)
    if not isinstance(answer, Answer) or answer.status != OK:
        report.fault("rights", *refusal(answer, "storage", names.project))
        return
    bindings = _bindings(answer)
    for role in FUNCTIONS:
        email = names.account(role)
        roles = [
            binding["role"]
            for binding in bindings
            if f"serviceAccount:{email}" in binding["members"] and not binding.get("condition")
        ]
        held: set[str] = set()
        for granted in roles:
            held |= _permissions(google, granted)
        for right in (right for right in RIGHTS if right not in held):
            report.fault(
                f"rights of {role}",
                f"{email} lacks {right} on the bucket",
                f"gcloud storage buckets add-iam-policy-binding gs://{films.bucket} "
                f"--member=serviceAccount:{email} --role={USER}",
            )
        if held >= set(RIGHTS):
            verbs = ", ".join(right.rpartition(".")[2] for right in RIGHTS)
            report.fine(f"rights of {role}", f"{verbs} ({', '.join(roles)})")


def _permissions(google: Google, role: str) -> set[str]:
    """What a role permits, as IAM says itself; nothing where it does not say."""
    answer = google.ask("iam", f"/v1/{role}")
    if not isinstance(answer, Answer) or answer.status != OK:
        return set()
    return set(answer.data.get("includedPermissions") or [])


def _signing(report: Report, google: Google, names: Names, email: str) -> None:
    path = f"/v1/projects/{names.project}/serviceAccounts/{email}:getIamPolicy"
    answer = google.ask("iam", path, method="POST")
    subject = f"signing {email.partition('@')[0].rpartition('-')[2]}"
    if isinstance(answer, Answer) and answer.status == NOT_FOUND:
        report.fault(subject, f"{email} does not exist", names.deploy)
    elif not isinstance(answer, Answer) or answer.status != OK:
        report.fault(subject, *refusal(answer, "iam", names.project))
    elif any(
        binding["role"] == SIGNER and f"serviceAccount:{email}" in binding["members"]
        for binding in _bindings(answer)
    ):
        report.fine(subject, f"{email} may sign as itself")
    else:
        report.fault(
            subject,
            f"{email} may not sign as itself: no link to a film can be made",
            f"gcloud iam service-accounts add-iam-policy-binding {email} "
            f"--member=serviceAccount:{email} --role={SIGNER} --project={names.project}",
        )


def _bindings(answer: Answer) -> list[dict[str, Any]]:
    """The bindings of a policy; an empty policy has none."""
    return [
        {**binding, "members": binding.get("members") or []}
        for binding in answer.data.get("bindings") or []
        if binding.get("role")
    ]
