"""Tells what a deployment makes, in words: names, roles, settings, the zip, the commands.

Reads the same files as Terraform and needs neither it nor an account. What lies in the cloud
already is not known here: Terraform compares with that before it changes anything, and asks.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infra.deploy.model import Model
    from infra.deploy.package import Package

WIDTH = 12


def told(model: Model, package: Package, commands: Sequence[Sequence[str]]) -> Iterator[str]:
    """The plan, line by line.

    Args:
        model: the configuration with its variables.
        package: what would go up.
        commands: what would be run, in order.
    """
    yield from _section("zip", _zip(package))
    yield from _section("services", _services(model))
    yield from _section("buckets", _buckets(model))
    yield from _section("secrets", _secrets(model))
    yield from _section("identities", _identities(model))
    yield from _section("functions", _functions(model))
    yield from _section("scheduler", _scheduler(model))
    yield from _section("alerts", _alerts(model))
    yield from _section("commands", (shlex.join(command) for command in commands))


def count(model: Model) -> int:
    """How many resources a first deployment makes."""
    return sum(len(model.resources(kind)) for kind in model.types())


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield f"{'' if number else title:<{WIDTH}}{line}"
    yield ""


def _zip(package: Package) -> Iterator[str]:
    yield f"{len(package.files)} files, {len(package.content):,} bytes, sha256 {package.sha256}"
    rooms: dict[str, int] = {}
    for name in package.files:
        room = "/".join(name.split("/")[:2]) if name.count("/") > 1 else name
        rooms[room] = rooms.get(room, 0) + 1
    yield ", ".join(f"{room} ({size})" if size > 1 else room for room, size in rooms.items())


def _services(model: Model) -> Iterator[str]:
    for service in model.resources("google_project_service").values():
        yield str(service["service"])


def _buckets(model: Model) -> Iterator[str]:
    for bucket in model.resources("google_storage_bucket").values():
        kept = bucket["soft_delete_policy"][0]["retention_duration_seconds"]
        access = bucket["public_access_prevention"]
        yield f"{bucket['name']} in {bucket['location']}"
        yield f"  public access prevention {access}, uniform access, soft delete {kept} s"
        for rule in bucket.get("lifecycle_rule", []):
            condition = rule["condition"][0]
            yield f"  {', '.join(condition['matches_prefix'])} goes after {condition['age']} days"
        for cors in bucket.get("cors", []):
            yield f"  {', '.join(cors['method'])} from {', '.join(cors['origin'])}"


def _secrets(model: Model) -> Iterator[str]:
    says = {
        command.split()[4]: what for what, command in model.outputs()["secrets_to_fill"].items()
    }
    for secret in model.resources("google_secret_manager_secret").values():
        name = secret["secret_id"]
        yield f"{name}: {says[name]}; no value passes through Terraform"


def _identities(model: Model) -> Iterator[str]:
    grants = list(_grants(model))
    for account in model.resources("google_service_account").values():
        yield f"{account['email']}: {account['description']}"
        for member, role, on in grants:
            if member == account["member"]:
                yield f"  {role} on {on}"
    known = {one["member"] for one in model.resources("google_service_account").values()}
    for member, role, on in grants:
        if member not in known:
            yield f"{member}"
            yield f"  {role} on {on}"


def _grants(model: Model) -> Iterator[tuple[str, str, str]]:
    """Member, role, and what it is a role on."""
    for kind in model.types():
        if not kind.endswith("_iam_member"):
            continue
        for grant in model.resources(kind).values():
            yield grant["member"], grant["role"], _on(kind, grant)


def _on(kind: str, grant: dict[str, Any]) -> str:
    on = {
        "google_storage_bucket_iam_member": "bucket {bucket}",
        "google_secret_manager_secret_iam_member": "secret {secret_id}",
        "google_service_account_iam_member": "{service_account_id}",
        "google_cloud_run_v2_service_iam_member": "function {name}",
        "google_project_iam_member": "project {project}",
    }[kind].format(**grant)
    conditions = [one["expression"] for one in grant.get("condition", [])]
    return f"{on.rpartition('/')[2]}{''.join(f' if {text}' for text in conditions)}"


def _functions(model: Model) -> Iterator[str]:
    for function in model.resources("google_cloudfunctions2_function").values():
        build, service = function["build_config"][0], function["service_config"][0]
        yield f"{function['name']} at {function['url']}"
        who = service["service_account_email"]
        yield f"  {build['runtime']}, target {build['entry_point']}, as {who}"
        yield (
            f"  {service['available_cpu']} CPU, {service['available_memory']}, timeout "
            f"{service['timeout_seconds']} s, {service['max_instance_request_concurrency']} at a "
            f"time, {service['min_instance_count']} to {service['max_instance_count']} instances"
        )
        for name, value in sorted(service["environment_variables"].items()):
            yield f"  {name}={value}"
        for secret in service.get("secret_environment_variables", []):
            yield f"  {secret['key']} from secret {secret['secret']}, version {secret['version']}"


def _scheduler(model: Model) -> Iterator[str]:
    for job in model.resources("google_cloud_scheduler_job").values():
        target = job["http_target"][0]
        token = target["oidc_token"][0]
        yield f"{job['name']}: '{job['schedule']}' {job['time_zone']}{', paused' * job['paused']}"
        yield f"  {target['http_method']} {target['uri']}"
        yield f"  as {token['service_account_email']}, audience {token['audience']}"
        yield f"  waits {job['attempt_deadline']}, retries {job['retry_config'][0]['retry_count']}"


def _alerts(model: Model) -> Iterator[str]:
    for policy in model.resources("google_monitoring_alert_policy").values():
        told_to = ", ".join(policy["notification_channels"]) or "the console only"
        yield f"{policy['display_name']} → {told_to}"
    for metric in model.resources("google_logging_metric").values():
        yield f"{metric['name']} counts {metric['filter']}"
