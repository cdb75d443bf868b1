"""What runs: the functions, the scheduler's job and whom it calls as, the secrets, the last tick.

Compares what is deployed with what the parts expect of each other; nothing is called that would run
a tick. Sources: the REST references of Cloud Functions v2, Cloud Run Admin v2, Cloud Scheduler v1,
Secret Manager v1 and Cloud Logging v2.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from infra.doctor.calls import Answer
from infra.doctor.google import NOT_FOUND, OK, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.doctor.google import Google, Names
    from infra.doctor.report import Report

LATE_S = 900.0  # as the alert of infra/terraform; a tick that copies a slow film takes 690 s
INVOKER = "roles/run.invoker"
# google.rpc.Code of the last attempt (Cloud Scheduler, "Job.status").
CODES = {
    4: "it did not end in time (DEADLINE_EXCEEDED)",
    5: "its address leads nowhere (NOT_FOUND)",
    7: "it was refused (PERMISSION_DENIED)",
    13: "it broke (INTERNAL)",
    14: "nothing answered (UNAVAILABLE)",
    16: "its token was refused (UNAUTHENTICATED)",
}
REFUSED = (7, 16)


def functions(report: Report, google: Google, names: Names) -> dict[str, dict[str, Any]]:
    """The lines about both functions.

    Args:
        report: takes them.
        google: asks.
        names: of the parts.

    Returns:
        The function resources that are there, by `api` and `poll`.
    """
    found = {}
    for role in ("api", "poll"):
        name = f"{names.name}-{role}"
        path = f"/v2/projects/{names.project}/locations/{names.region}/functions/{name}"
        answer = google.ask("cloudfunctions", path)
        subject = f"function {role}"
        if isinstance(answer, Answer) and answer.status == NOT_FOUND:
            report.fault(subject, f"{name} does not exist in {names.region}", names.deploy)
        elif not isinstance(answer, Answer) or answer.status != OK:
            report.fault(subject, *refusal(answer, "cloudfunctions", names.project))
        else:
            found[role] = answer.data
            _function(report, names, role, answer.data)
    return found


def _function(report: Report, names: Names, role: str, data: Mapping[str, Any]) -> None:
    subject, service = f"function {role}", _service(data)
    if data.get("state") != "ACTIVE":
        messages = [str(row.get("message")) for row in data.get("stateMessages") or []]
        report.fault(
            subject,
            f"{data.get('state')}: {'; '.join(messages) or 'no reason is given'}",
            f"gcloud functions logs read {names.name}-{role} --gen2 --project={names.project} "
            f"--region={names.region}, mend what it says, then {names.deploy}",
        )
        return
    report.fine(subject, f"active, revision {service.get('revision')}, {service.get('uri')}")
    email = names.account(role)
    if service.get("serviceAccountEmail") != email:
        found = f"runs as {service.get('serviceAccountEmail')} instead of {email}"
        report.fault(f"identity {role}", found, names.deploy)


def _service(data: Mapping[str, Any]) -> Mapping[str, Any]:
    service = data.get("serviceConfig")
    return service if isinstance(service, dict) else {}


def variables(function: Mapping[str, Any] | None) -> Mapping[str, str]:
    """The plain environment variables of a function; none where it is not there.

    Args:
        function: its resource.
    """
    held = _service(function or {}).get("environmentVariables")
    return held if isinstance(held, dict) else {}


def scheduler(report: Report, google: Google, names: Names, poll: Mapping[str, Any] | None) -> None:
    """The lines about the scheduler's job.

    Args:
        report: takes them.
        google: asks.
        names: of the parts.
        poll: the function that is called; None where it is not there.
    """
    job = f"{names.name}-tick"
    path = f"/v1/projects/{names.project}/locations/{names.region}/jobs/{job}"
    answer = google.ask("cloudscheduler", path)
    if isinstance(answer, Answer) and answer.status == NOT_FOUND:
        found = f"{job} does not exist in {names.region}: jobs are accepted and none moves"
        report.fault("scheduler", found, f"{names.deploy} (as before, with any scheduler_region)")
        return
    if not isinstance(answer, Answer) or answer.status != OK:
        report.fault("scheduler", *refusal(answer, "cloudscheduler", names.project))
        return
    if answer.data.get("state") != "ENABLED":
        report.fault(
            "scheduler",
            f"{job} is {answer.data.get('state')}: jobs are accepted and none moves",
            f"gcloud scheduler jobs resume {job} {names.where} (or deploy with paused=false)",
        )
    else:
        report.fine("scheduler", f"{job} is enabled, {answer.data.get('schedule')}")
    _last_attempt(report, names, job, answer.data)
    if poll is not None:
        _target(report, names, answer.data, poll)
    _invoker(report, google, names, answer.data)


def _last_attempt(report: Report, names: Names, job: str, data: Mapping[str, Any]) -> None:
    code = int((data.get("status") or {}).get("code") or 0)
    if not data.get("lastAttemptTime"):
        report.left_out("last attempt", "none yet")
    elif code in REFUSED:
        report.fault(
            "last attempt",
            f"of {data['lastAttemptTime']}: {CODES[code]}; the lines below say why",
            f"{names.deploy}, then gcloud scheduler jobs run {job} {names.where}",
        )
    elif code:
        report.fault(
            "last attempt",
            f"of {data['lastAttemptTime']}: {CODES.get(code, f'google.rpc.Code {code}')}",
            f"gcloud functions logs read {names.name}-poll --gen2 --project={names.project} "
            f"--region={names.region}",
        )
    else:
        report.fine("last attempt", f"of {data['lastAttemptTime']}, answered")


def _target(report: Report, names: Names, data: Mapping[str, Any], poll: Mapping[str, Any]) -> None:
    """Address, audience and identity of the job, against what `poll` was told."""
    target = data.get("httpTarget") or {}
    token, told = target.get("oidcToken") or {}, variables(poll)
    addresses = {text for text in (poll.get("url"), _service(poll).get("uri")) if text}
    uri = str(target.get("uri")).rstrip("/")
    if addresses and uri not in addresses:
        found = f"the job calls {uri}, and poll is {' and '.join(sorted(addresses))}"
        report.fault("tick address", found, names.deploy)
    else:
        report.fine("tick address", uri)
    audience = token.get("audience") or target.get("uri")  # the default of oidcToken.audience
    expected = told.get("POLL_AUDIENCE", "").replace(",", " ").split()
    if audience not in expected:
        found = f"tokens are for {audience}, and poll expects {' or '.join(expected) or 'none'}"
        report.fault("tick audience", found, names.deploy)
    else:
        report.fine("tick audience", str(audience))
    email, invoker = token.get("serviceAccountEmail"), told.get("POLL_INVOKER")
    if email != invoker:
        found = f"the job calls as {email or 'nobody'}, and poll expects {invoker or 'nobody'}"
        report.fault("tick identity", found, names.deploy)
    else:
        report.fine("tick identity", str(email))


def _invoker(report: Report, google: Google, names: Names, data: Mapping[str, Any]) -> None:
    """Whether the job's identity passes IAM in front of `poll`."""
    name = f"{names.name}-poll"
    path = f"/v2/projects/{names.project}/locations/{names.region}/services/{name}:getIamPolicy"
    answer = google.ask("run", path)
    token = (data.get("httpTarget") or {}).get("oidcToken") or {}
    email = token.get("serviceAccountEmail") or names.account("scheduler")
    if not isinstance(answer, Answer) or answer.status != OK:
        report.fault("tick right", *refusal(answer, "run", names.project))
        return
    members = {
        member
        for binding in answer.data.get("bindings") or []
        if binding.get("role") == INVOKER
        for member in binding.get("members") or []
    }
    if f"serviceAccount:{email}" not in members:
        report.fault(
            "tick right",
            f"{email} may not call {name}",
            f"gcloud run services add-iam-policy-binding {name} --project={names.project} "
            f"--region={names.region} --member=serviceAccount:{email} --role={INVOKER}",
        )
    elif "allUsers" in members:
        report.fault(
            "tick right",
            f"everybody may call {name}; only the scheduler should",
            f"gcloud run services remove-iam-policy-binding {name} --project={names.project} "
            f"--region={names.region} --member=allUsers --role={INVOKER}",
        )
    else:
        report.fine("tick right", f"{email} may call {name}")


def secrets(report: Report, google: Google, names: Names, api: Mapping[str, Any] | None) -> None:
    """One line for each secret that the functions mount; the values are never asked for.

    Args:
        report: takes them.
        google: asks.
        names: of the parts.
        api: the function, which says what it mounts; without it the two that must be there.
    """
    mounted = _service(api or {}).get("secretEnvironmentVariables") or [
        {"secret": f"{names.name}-upstream", "version": "latest"},
        {"secret": f"{names.name}-owner-keys", "version": "latest"},
    ]
    for row in mounted:
        secret, version = str(row.get("secret")), str(row.get("version") or "latest")
        path = f"/v1/projects/{names.project}/secrets/{secret}/versions/{version}"
        answer = google.ask("secretmanager", path)
        subject, add = f"secret {secret.removeprefix(names.name + '-')}", _add(names, secret)
        if isinstance(answer, Answer) and answer.status == NOT_FOUND:
            report.fault(subject, f"{secret} has no version {version}", add)
        elif not isinstance(answer, Answer) or answer.status != OK:
            report.fault(subject, *refusal(answer, "secretmanager", names.project))
        elif answer.data.get("state") != "ENABLED":
            number = str(answer.data.get("name")).rpartition("/")[2]
            state = answer.data.get("state")
            enable = (
                f"gcloud secrets versions enable {number} --secret={secret} "
                f"--project={names.project}"
            )
            found = f"version {number} ({version}) of {secret} is {state}"
            report.fault(subject, found, enable if state == "DISABLED" else add)
        else:
            number = str(answer.data.get("name")).rpartition("/")[2]
            report.fine(subject, f"version {number} ({version}) is enabled")


def _add(names: Names, secret: str) -> str:
    add = f"gcloud secrets versions add {secret} --project={names.project} --data-file=-"
    if secret.endswith("-owner-keys"):
        return f"infra/dev keys create OWNER --new | {add}"
    return f'read -rs KEY && printf %s "$KEY" | {add}'


def ticks(report: Report, google: Google, names: Names) -> None:
    """The line about the last tick that came to its end, from the log.

    Args:
        report: takes it.
        google: asks.
        names: of the parts.
    """
    query = {
        "resourceNames": [f"projects/{names.project}"],
        "filter": 'resource.type="cloud_run_revision" AND '
        f'resource.labels.service_name="{names.name}-poll" AND jsonPayload.event="tick.done"',
        "orderBy": "timestamp desc",
        "pageSize": 1,
    }
    answer = google.ask("logging", "/v2/entries:list", method="POST", body=query)
    if not isinstance(answer, Answer) or answer.status != OK:
        report.fault("last tick", *refusal(answer, "logging", names.project))
        return
    entries = answer.data.get("entries") or []
    read = (
        f"gcloud functions logs read {names.name}-poll --gen2 --project={names.project} "
        f"--region={names.region} (look for tick.crashed)"
    )
    if not entries:
        report.fault("last tick", "none has ever come to its end (tick.done in the log)", read)
        return
    at = datetime.fromisoformat(str(entries[0].get("timestamp")))
    ago_s = time.time() - at.timestamp()
    if ago_s > LATE_S:
        found = f"ended {ago_s / 60:,.0f} minutes ago; one is due every minute"
        report.fault("last tick", found, read)
    else:
        report.fine("last tick", f"ended less than {LATE_S / 60:g} minutes ago")
