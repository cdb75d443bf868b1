"""infra/dev doctor: healthy things have no fault, and each planted fault is named with what mends it."""

import os
import re
import socket
import stat
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from lib.cli.processes import consecutive_ports
from tests.doctor import google
from tests.doctor.conftest import (
    BEIJING_KEY,
    ORIGIN,
    ROOT,
    certificate,
)
from tests.doctor.front import Front


@dataclass
class Fault:
    """One planted fault.

    Attributes:
        place: the fixture that is healthy without it.
        plant: plants it; what it returns is kept until the run has ended.
        subject: of the line that must say so.
        found: a part of what that line says.
        remedy: a part of the command that mends it.
    """

    place: str
    plant: object
    subject: str
    found: str
    remedy: str


def program(case, name, text):
    path = case.bin / name
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def edit(case, name, old, new):
    path = case.root / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def written(path, text, mode=0o600):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def shell(**variables):
    return lambda case: case.environ.update(variables)


def listener(case):
    return socket.create_server(("127.0.0.1", int(case.arguments[1])))


def ignored_everywhere(case):
    written(case.home / ".config/git/ignore", "*.log\nlib/\n")


def readable(case):
    written(case.root / ".env", "DASHSCOPE_API_KEY=sk-hush", 0o644)
    (case.root / ".git/info/exclude").write_text("/.env\n")


def pinned_otherwise(case):
    path = case.root / "requirements.txt"
    path.write_text(re.sub(r"pillow==\S+", "pillow==12.2.0", path.read_text("utf-8")), "utf-8")


MACHINE = {
    "a package of another version": Fault("machine", pinned_otherwise, "packages", "instead of 12.2.0", "pip install -r infra/requirements-dev.txt"),
    "a package that is missing": Fault("machine", lambda case: edit(case, "infra/requirements-dev.txt", "ruff==", "no-such-thing==1.0\nruff=="), "packages", "no-such-thing missing instead of 1.0", "pip install -r infra/requirements-dev.txt"),
    "an old Terraform": Fault("machine", lambda case: program(case, "terraform", "echo Terraform v1.8.5"), "terraform", "1.8.5; infra/dev deploy needs 1.9", "https://developer.hashicorp.com/terraform/install"),
    "a tool that does not run": Fault("machine", lambda case: program(case, "node", "exit 127"), "node", "`node --version` ended with status 127", "apt install nodejs"),
    "no git": Fault("machine", lambda case: (case.bin / "git").unlink(), "git", "not installed", "apt install git"),
    "a stranger on a port": Fault("machine", listener, "port PORT", f"not free for api: process {os.getpid()} (" if Path("/proc").exists() else "not free for api", "infra/dev run"),
    "an emulator that is gone": Fault("machine", lambda case: case.environ.update(STORAGE_EMULATOR_HOST=f"127.0.0.1:{consecutive_ports(1)}"), "STORAGE_EMULATOR_HOST", "nobody listens there", "unset STORAGE_EMULATOR_HOST"),
    "a proxy before loopback": Fault("machine", shell(HTTP_PROXY="http://proxy.example:3128"), "HTTP_PROXY", "127.0.0.1 through a proxy", "export NO_PROXY=127.0.0.1,localhost"),
    "credentials that are nowhere": Fault("machine", shell(GOOGLE_APPLICATION_CREDENTIALS="/nowhere/key.json"), "GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json: No such file", "unset GOOGLE_APPLICATION_CREDENTIALS"),
    "credentials that are none": Fault("machine", shell(GOOGLE_APPLICATION_CREDENTIALS="/dev/null"), "GOOGLE_APPLICATION_CREDENTIALS", "is not JSON", "unset GOOGLE_APPLICATION_CREDENTIALS"),
    "one key and several accounts": Fault("machine", shell(DASHSCOPE_API_KEY="sk-hush", DASHSCOPE_ACCOUNTS='[{"api_key": "sk-hush"}]'), "DASHSCOPE_API_KEY", "is ignored, since DASHSCOPE_ACCOUNTS is set", "unset DASHSCOPE_API_KEY"),
    "the host of the other region": Fault("machine", shell(DASHSCOPE_API_KEY="sk-hush", DASHSCOPE_BASE_URL="https://dashscope.aliyuncs.com/api/v1"), "DASHSCOPE_BASE_URL", "the host of beijing, while account singapore is of singapore", "export DASHSCOPE_REGION=beijing"),
    "a workspace of the other region": Fault("machine", shell(DASHSCOPE_API_KEY="sk-hush", DASHSCOPE_REGION="beijing", DASHSCOPE_BASE_URL="https://ws1.ap-southeast-1.maas.aliyuncs.com/api/v1"), "DASHSCOPE_BASE_URL", "the host of singapore", "unset DASHSCOPE_BASE_URL"),
    "accounts that are no JSON": Fault("machine", shell(DASHSCOPE_ACCOUNTS='[{"api_key": "sk-hush"'), "DASHSCOPE_ACCOUNTS", "JSON", "unset DASHSCOPE_ACCOUNTS"),
    "an unknown region": Fault("machine", shell(DASHSCOPE_API_KEY="sk-hush", DASHSCOPE_REGION="mars"), "DASHSCOPE_REGION", "allowed: singapore, beijing", "unset DASHSCOPE_REGION"),
    "a git that ignores lib": Fault("machine", ignored_everywhere, "git ignores", "new files in lib/core would never be committed: 'lib/'", "remove line 2 of"),
    "a secret that others can read": Fault("machine", readable, "secrets", ".env can be read by others (mode 0644)", "chmod 600 .env"),
    "a secret that git would take": Fault("machine", lambda case: written(case.root / ".env", "DASHSCOPE_API_KEY=sk-hush"), "secrets", ".env is not ignored", "echo '/.env' >> .git/info/exclude"),
}  # fmt: skip


def told(operation, kind):
    def plant(case):
        url = f"{case.dashscope}/emulator/faults"
        fault = {"operation": operation, "kind": kind, "times": 9}
        requests.post(url, json=fault, timeout=10).raise_for_status()

    return plant


def no_upstream(case):
    case.environ["DASHSCOPE_BASE_URL"] = f"http://127.0.0.1:{consecutive_ports(1)}/api/v1"


def ahead(case):
    case.front.ahead_s = 3600.0


UPSTREAM = {
    "a wrong key": Fault("upstream", shell(DASHSCOPE_API_KEY="sk-hush-typed-wrong"), "key", "refused by singapore (InvalidApiKey): it is wrong, or a key of the other region", "DASHSCOPE_REGION=beijing infra/dev doctor"),
    "the key of another region": Fault("upstream", shell(DASHSCOPE_API_KEY=BEIJING_KEY), "key", "it is wrong, or a key of the other region", "accepted there, it is a key of beijing; refused there too, it is wrong"),
    "an account in arrears": Fault("upstream", told("list", "arrears"), "account", "in arrears: Arrearage", "pay the bill"),
    "an upstream that is not there": Fault("upstream", no_upstream, "host", "nobody listens there", "unset DASHSCOPE_BASE_URL"),
    "a clock that is off": Fault("upstream", ahead, "clock", "apart from the upstream; 10 s are tolerated", "timedatectl set-ntp true"),
    "a model that is not granted": Fault("upstream", lambda case: case.front.granted.pop(0), "model", "wan2.2-kf2v-flash is not granted to this key in singapore", "grant it to the key's workspace"),
    "a model that is not offered": Fault("upstream", lambda case: case.front.offered.pop(0), "model", "wan2.2-kf2v-flash is not in the list of models of singapore", "name another model in each request"),
    "a model that goes": Fault("upstream", lambda case: case.front.offered[0].update(inference_offline_info={"offline_time": "2027-02-01 00:00:00"}), "model", "wan2.2-kf2v-flash goes out of service at 2027-02-01", "GET /v1/models"),
}  # fmt: skip


def url(case, address):
    case.arguments[1] = address


def key(case, text):
    case.arguments[3] = text
    case.secrets.append(text)


def self_signed(case, tmp_path):
    front = Front(case.service.url, tls=certificate(tmp_path))
    url(case, front.url)
    return front


def in_clear(case):
    # Every address of this machine, so none that is loopback by name.
    url(case, case.front.url.replace("127.0.0.1", "0.0.0.0"))


def open_to_all(case):
    in_clear(case)
    case.front.answers["GET", "/v1/videos"] = (200, {"object": "list", "data": []})


def renamed(case):
    case.front.keep_host = False


def at_path(case):
    """As behind an address with a path, which the front takes off."""
    url(case, f"{case.front.url}/inbetween-api")
    case.front.strip = "/inbetween-api"


NOT_READY = {"error": {"code": "storage_unavailable", "message": "The bucket does not answer."}}

SERVICE = {
    "nobody there": Fault("service", lambda case: url(case, f"http://127.0.0.1:{consecutive_ports(1)}"), "health", "nobody listens there", "infra/dev run --port 8080"),
    "another server": Fault("service", lambda case: case.front.answers.update({("GET", "/health"): (404, {})}), "health", "HTTP 404, which is no service of ours", "terraform output"),
    "IAM in front": Fault("service", lambda case: case.front.answers.update({("GET", "/health"): (403, {})}), "health", "IAM lets nobody without an identity in", "api_invokers"),
    "a bucket that is away": Fault("service", lambda case: case.front.answers.update({("GET", "/ready"): (503, NOT_READY)}), "ready", "HTTP 503: storage_unavailable", "infra/dev doctor --project PROJECT"),
    "another contract": Fault("service", lambda case: case.front.answers.update({("GET", "/openapi.json"): (200, {"info": {"title": "Petstore"}})}), "contract", "none of ours", "look at the address"),
    "an unknown key": Fault("service", lambda case: key(case, "ib_not_the_key_of_anybody"), "key", "not known to the service", "infra/dev keys create OWNER"),
    "a page that may not call": Fault("service", lambda case: case.arguments.__setitem__(5, "https://other.example"), "CORS", "a page of https://other.example may not call", "ALLOWED_ORIGINS=https://other.example infra/dev run"),
    "a proxy that renames": Fault("service", renamed, "upload host", "and was reached at", "infra/dev doctor --url http://127.0.0.1:"),
    "an address with a path": Fault("service", at_path, "address", "and was reached at", "with the address that callers use"),
    "a certificate that nobody signed": Fault("service", self_signed, "TLS", "TLS failed: self", "mend the certificate"),
    "keys in clear": Fault("service", in_clear, "TLS", "plain http over a network", "use https://"),
    "a service that asks for no key": Fault("service", open_to_all, "auth", "make films at your cost", "set OWNER_KEYS"),
    "a clock that is off by an hour": Fault("service", ahead, "clock", "apart from the service", "timedatectl set-ntp true"),
}  # fmt: skip


def says(place, *answer):
    return lambda case: case.front.answers.update({place: answer})


def gone(place):
    return says(place, *google.refusal(404, "Resource was not found.", "NOT_FOUND"))


def data(place, *path, value):
    """A value somewhere in the answer of a place."""

    def plant(case):
        held = case.front.answers[place][1]
        for step in path[:-1]:
            held = held[step]
        held[path[-1]] = value

    return plant


def bucket(**fields):
    def plant(case):
        address = f"{case.storage}/storage/v1/b/{google.BUCKET}"
        requests.patch(address, json=fields, timeout=10).raise_for_status()

    return plant


def no_bucket(case):
    requests.delete(f"{case.storage}/storage/v1/b/{google.BUCKET}", timeout=10).raise_for_status()


def viewer(case):
    data(google.RIGHTS, "bindings", 0, "role", value="roles/storage.objectViewer")(case)
    role = {
        "name": "roles/storage.objectViewer",
        "includedPermissions": ["storage.objects.get", "storage.objects.list"],
    }
    says(("GET", "/v1/roles/storage.objectViewer"), 200, role)(case)


DISABLED = google.refusal(
    403,
    "Cloud Scheduler API has not been used in project 123 before",
    "PERMISSION_DENIED",
    "SERVICE_DISABLED",
)
DENIED = google.refusal(
    403, "Permission 'cloudfunctions.functions.get' denied", "PERMISSION_DENIED"
)
SWEEPS_ALL = {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 30}}]}
SWEEPS_LITTLE = {"rule": google.bucket()["lifecycle"]["rule"][:2]}
IN_CONDITION = {"title": "by day", "expression": "request.time.getHours() < 18"}
POLL_SETTINGS = ("serviceConfig", "environmentVariables")
OTHER = "other@demo-project.iam.gserviceaccount.com"

PROJECT = {
    "nobody logged in": Fault("project", lambda case: (case.environ.pop("GOOGLE_APPLICATION_CREDENTIALS"), case.environ.update(NO_GCE_CHECK="true")), "credentials", "nobody is logged in", "gcloud auth login --update-adc"),
    "a login that has ended": Fault("project", says(("POST", "/token"), 400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}), "credentials", "the login is refused or has ended", "gcloud auth login --update-adc"),
    "a function that is missing": Fault("project", gone(google.FUNCTION["api"]), "function api", "inbetween-api does not exist in asia-southeast1", "infra/dev deploy --project demo-project --region asia-southeast1"),
    "a function that does not start": Fault("project", lambda case: case.front.answers[google.FUNCTION["api"]][1].update(state="FAILED", stateMessages=[{"severity": "ERROR", "type": "CloudRunServiceNotReady", "message": "Container failed to start."}]), "function api", "FAILED: Container failed to start.", "gcloud functions logs read inbetween-api"),
    "another identity": Fault("project", data(google.FUNCTION["api"], "serviceConfig", "serviceAccountEmail", value=OTHER), "identity api", f"runs as {OTHER} instead of", "infra/dev deploy"),
    "an API that is off": Fault("project", says(google.JOB, *DISABLED), "scheduler", "cloudscheduler.googleapis.com is not enabled", "gcloud services enable cloudscheduler.googleapis.com --project=demo-project"),
    "no right to look": Fault("project", says(google.FUNCTION["poll"], *DENIED), "function poll", "you may not see it (PERMISSION_DENIED", "roles/iam.securityReviewer"),
    "a bucket that is missing": Fault("project", no_bucket, "bucket", "demo-project-inbetween does not exist", "infra/dev deploy"),
    "a function without its rights": Fault("project", data(google.RIGHTS, "bindings", 0, "members", value=[f"serviceAccount:{google.email('api')}"]), "rights of poll", "lacks storage.objects.create", "gcloud storage buckets add-iam-policy-binding gs://demo-project-inbetween"),
    "functions that may only read": Fault("project", viewer, "rights of api", "lacks storage.objects.update", "--role=roles/storage.objectUser"),
    "rights on a condition": Fault("project", data(google.RIGHTS, "bindings", 0, "condition", value=IN_CONDITION), "rights of api", "lacks storage.objects.delete", "--role=roles/storage.objectUser"),
    "access lists": Fault("project", bucket(iamConfiguration={"publicAccessPrevention": "enforced"}), "uniform access", "off", "--uniform-bucket-level-access"),
    "a bucket that could be public": Fault("project", bucket(iamConfiguration={"uniformBucketLevelAccess": {"enabled": True}}), "public access", "not prevented", "--public-access-prevention"),
    "nothing swept": Fault("project", bucket(lifecycle=SWEEPS_LITTLE), "lifecycle", "nothing sweeps outbox/, frames/, uploads/", "infra/dev deploy"),
    "everything swept": Fault("project", bucket(lifecycle=SWEEPS_ALL), "lifecycle", "a rule deletes pending/, gates/, accounts/", "--clear-lifecycle"),
    "a bucket without CORS": Fault("project", bucket(cors=None), "bucket CORS", f"pages of {ORIGIN} may not GET, HEAD, PUT", "allowed_origins"),
    "an account that may not sign": Fault("project", data(google.signing("api"), "bindings", value=[]), "signing api", "no link to a film can be made", "gcloud iam service-accounts add-iam-policy-binding inbetween-api@"),
    "no scheduled job": Fault("project", gone(google.JOB), "scheduler", "inbetween-tick does not exist", "infra/dev deploy"),
    "a paused job": Fault("project", data(google.JOB, "state", value="PAUSED"), "scheduler", "is PAUSED: jobs are accepted and none moves", "gcloud scheduler jobs resume inbetween-tick"),
    "a tick that is refused": Fault("project", data(google.JOB, "status", value={"code": 16}), "last attempt", "its token was refused (UNAUTHENTICATED)", "gcloud scheduler jobs run inbetween-tick"),
    "a tick that breaks": Fault("project", data(google.JOB, "status", value={"code": 13}), "last attempt", "it broke (INTERNAL)", "gcloud functions logs read inbetween-poll"),
    "another address": Fault("project", data(google.JOB, "httpTarget", "uri", value="https://old.example.com"), "tick address", "the job calls https://old.example.com, and poll is", "infra/dev deploy"),
    "another audience": Fault("project", data(google.JOB, "httpTarget", "oidcToken", "audience", value="https://old.example.com"), "tick audience", "tokens are for https://old.example.com, and poll expects", "infra/dev deploy"),
    "another caller": Fault("project", data(google.FUNCTION["poll"], *POLL_SETTINGS, "POLL_INVOKER", value=OTHER), "tick identity", f"and poll expects {OTHER}", "infra/dev deploy"),
    "a caller without the right": Fault("project", data(google.INVOKERS, "bindings", value=[]), "tick right", "may not call inbetween-poll", "gcloud run services add-iam-policy-binding inbetween-poll"),
    "everybody a caller": Fault("project", lambda case: case.front.answers[google.INVOKERS][1]["bindings"][0]["members"].append("allUsers"), "tick right", "everybody may call inbetween-poll", "remove-iam-policy-binding inbetween-poll"),
    "a secret without a value": Fault("project", gone(google.version("upstream")), "secret upstream", "inbetween-upstream has no version latest", "gcloud secrets versions add inbetween-upstream"),
    "a secret that is destroyed": Fault("project", data(google.version("upstream"), "state", value="DESTROYED"), "secret upstream", "version 1 (latest) of inbetween-upstream is DESTROYED", "gcloud secrets versions add inbetween-upstream"),
    "a secret that is switched off": Fault("project", data(google.version("owner-keys", "2"), "state", value="DISABLED"), "secret owner-keys", "version 2 (2) of inbetween-owner-keys is DISABLED", "gcloud secrets versions enable 2 --secret=inbetween-owner-keys"),
    "an old tick": Fault("project", lambda case: case.front.answers[google.LOG][1]["entries"][0].update(timestamp=google.now(3600)), "last tick", "ended 60 minutes ago", "gcloud functions logs read inbetween-poll"),
    "no tick at all": Fault("project", says(google.LOG, 200, {}), "last tick", "none has ever come to its end", "tick.crashed"),
    "a clock far from Google's": Fault("project", ahead, "clock", "apart from Google", "timedatectl set-ntp true"),
}  # fmt: skip

FAULTS = {**MACHINE, **UPSTREAM, **SERVICE, **PROJECT}
PLACES = ("machine", "upstream", "service", "project")


def shown(line):
    """A fault as it is printed."""
    return f"✗ {line['subject']:<16} {line['found']}\n  {'':<16} → {line['remedy']}"


@pytest.mark.parametrize("place", PLACES)
def test_what_is_healthy_has_no_fault(place, request, page):
    case = request.getfixturevalue(place)
    status, findings = case.findings()
    assert [row for row in findings if row["state"] == "fault"] == []
    assert status == 0
    assert [row for row in findings if "remedy" in row] == []
    if place != "machine":  # what is installed differs from machine to machine
        parts = case.run().stdout.partition("\n\nNo fault; ")[0].split("\n\n")
        page.holds(place, "healthy", parts[-1])


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_named_with_what_mends_it(name, request, tmp_path, page):
    fault = FAULTS[name]
    case = request.getfixturevalue(fault.place)
    case.secrets.append("sk-hush")
    plant, more = fault.plant, (tmp_path,) if fault.plant is self_signed else ()
    kept = plant(case, *more)
    try:
        status, findings = case.findings()
    finally:
        if isinstance(kept, Front | socket.socket):
            kept.__exit__()
    subject = fault.subject.replace("PORT", case.arguments[1])
    faults = [row for row in findings if row["state"] == "fault"]
    assert status == 1, findings
    assert {row["subject"] for row in faults} == {subject} | ALSO.get(name, set())
    (line, *_) = [
        row for row in faults if row["subject"] == subject and fault.found in row["found"]
    ]
    assert fault.remedy in line["remedy"]
    page.holds(fault.place, name, shown(line))


# What a fault brings along, because it is one there, too.
ALSO = {
    "functions that may only read": {"rights of poll"},
    "rights on a condition": {"rights of poll"},
    "an address with a path": {"upload host"},
    "a service that asks for no key": {"TLS"},
}


def test_enough_is_planted():
    assert len(FAULTS) == sum(map(len, (MACHINE, UPSTREAM, SERVICE, PROJECT)))
    assert len({fault.subject for fault in FAULTS.values()}) >= 12


def test_text_and_json_say_the_same(machine):
    listening = listener(machine)
    program(machine, "terraform", "echo Terraform v1.8.5")
    with listening:
        text, rows = machine.run(), machine.findings()[1]
    assert text.returncode == 1
    signs = {"fine": "✓", "fault": "✗", "left out": "·"}
    for row in rows:
        if row["subject"] == "disk":
            continue  # others write on it meanwhile
        assert f"{signs[row['state']]} {row['subject']:<16} {row['found']}\n" in text.stdout
        assert not row.get("remedy") or f"→ {row['remedy']}\n" in text.stdout
    assert re.search(
        r"^2 faults; \d+ looked at, \d+ left out or optional\.$", text.stdout, re.MULTILINE
    )


@pytest.mark.parametrize(
    ("place", "answer"),
    [
        (google.FUNCTION["api"], {"state": "ACTIVE", "serviceConfig": "?"}),
        (
            google.FUNCTION["poll"],
            {"serviceConfig": {"environmentVariables": {"POLL_AUDIENCE": 7}}},
        ),
        (google.JOB, {"state": "ENABLED", "status": "fine", "httpTarget": []}),
        (google.RIGHTS, {"bindings": "none"}),
        (google.signing("api"), {"bindings": [{"role": 1, "members": 2}]}),
        (google.version("upstream"), {"name": 3}),
        (google.LOG, {"entries": [{"timestamp": "yesterday"}]}),
    ],
    ids=["api", "poll", "job", "rights", "signing", "secret", "log"],
)
def test_an_answer_of_another_shape_is_a_fault_and_no_crash(project, place, answer):
    says(place, 200, answer)(project)
    status, findings = project.findings()
    assert status == 1
    assert {row["subject"] for row in findings} >= {"credentials", "clock", "bucket"}


def test_a_look_at_an_account_makes_no_task(upstream):
    before = requests.get(f"{upstream.dashscope}/emulator/counts", timeout=10).json()
    assert upstream.findings()[0] == 0
    after = requests.get(f"{upstream.dashscope}/emulator/counts", timeout=10).json()
    assert after["list"] > before.get("list", 0)
    assert {name: n for name, n in after.items() if name != "list"} == {
        name: n for name, n in before.items() if name != "list"
    }
    assert {method for method, _, _ in upstream.front.asked} == {"GET"}


def test_a_look_at_a_project_changes_nothing(project):
    assert project.findings()[0] == 0
    posts = {path for method, path, _ in project.front.asked if method == "POST"}
    reads = {"/token", google.LOG[1], google.signing("api")[1], google.signing("poll")[1]}
    assert posts == reads
    assert {method for method, _, _ in project.front.asked} == {"GET", "POST"}


def test_a_look_at_a_service_creates_nothing(service):
    assert service.findings()[0] == 0
    assert {method for method, _, _ in service.front.asked} == {"GET", "OPTIONS"}


def test_a_key_never_goes_over_plain_http(service):
    in_clear(service)
    findings = service.findings()[1]
    found = [row["found"] for row in findings if row["subject"] == "key"]
    assert found == ["not sent over plain http"]


def test_a_key_does_not_follow_a_redirect(service):
    with Front() as elsewhere:
        service.front.redirect = f"{elsewhere.url}/health"
        assert service.findings()[0] == 1
        assert elsewhere.asked == []


def test_a_running_service_is_recognised_by_its_ports(running, environ):
    from tests.doctor.conftest import Case

    made, _ = running
    findings = Case(ROOT, environ, "--port", str(made.ports.api)).findings()[1]
    found = [row["found"] for row in findings if row["subject"].startswith("port ")]
    assert [text.partition(", process")[0].partition(" of a")[0] for text in found] == [
        "a running service (Inbetween, contract 1)",
        "poll",
        "an emulator",
        "an emulator",
    ]


def test_too_many_calls_are_no_fault(upstream):
    told("list", "throttled")(upstream)
    status, findings = upstream.findings()
    assert status == 0
    (line,) = [row for row in findings if row["subject"] == "key"]
    assert line["state"] == "left out"
    assert "too many calls right now" in line["found"]


def test_a_host_without_a_list_of_models_is_left_out(upstream):
    upstream.front.answers.clear()
    status, findings = upstream.findings()
    assert status == 0
    lines = [row for row in findings if row["subject"] == "model"]
    assert {row["state"] for row in lines} == {"left out"}
    assert len(lines) == 2


def test_a_missing_tool_is_said_and_is_no_fault(machine):
    status, findings = machine.findings()
    left = {row["subject"] for row in findings if row["state"] == "left out"}
    assert status == 0
    assert {"chromium", "node", "npm", "terraform", "gcloud"} <= left


def test_an_api_key_file_of_the_persons_alone_is_fine(machine):
    written(machine.root / ".env", "DASHSCOPE_API_KEY=sk-hush")
    (machine.root / ".git/info/exclude").write_text("/.env\n")
    status, findings = machine.findings()
    assert status == 0
    assert "1 file, readable by you alone" in [row["found"] for row in findings]


def test_an_environment_without_packages_is_said(machine):
    (machine.root / ".venv").unlink()
    venv.create(machine.root / ".venv")
    machine.environ.update(DASHSCOPE_API_KEY="sk-hush")
    status, findings = machine.findings()
    assert status == 1
    pins, lock = [row for row in findings if row["state"] == "fault"]
    assert (pins["subject"], lock["subject"]) == ("packages", "lock")
    assert re.search(r"functions-framework missing instead of .* and \d+ more", pins["found"])
    assert "--require-hashes -r infra/requirements.lock" in lock["remedy"]
    for arguments in (["--url", "http://127.0.0.1:9"], ["--project", "demo"]):
        machine.arguments = arguments
        status, findings = machine.findings()
        assert status == 1
        assert findings[-1]["subject"] == "packages"


def test_without_an_environment_nothing_is_promised(machine):
    (machine.root / ".venv").unlink()
    program(machine, "python3", f'exec {Path(sys.executable).resolve()} "$@"')
    ran = machine.run()
    assert ran.returncode == 1  # a port was asked about
    assert "infra/dev check makes it" in ran.stderr
    machine.arguments = []
    assert machine.run().returncode == 0


def test_a_damaged_environment_is_said(machine):
    (machine.root / ".venv").unlink()
    program(machine, "python3", "exit 1")
    written(machine.root / ".venv/bin/python", "#!/nowhere\n", stat.S_IRWXU)
    ran = machine.run()
    assert ran.returncode == 1
    assert ".venv is damaged" in ran.stderr
    assert "infra/dev check" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--key", "sk-hush"), "--key belongs to --url"),
        (("--origin", "https://a.example"), "--origin belongs to --url or --project"),
        (("--url", "ftp://host"), "not an address"),
        (("--url", "https://user:sk-hush@host"), "not an address"),
        (("--project", "UPPER"), "is not of the form"),
        (("--project", "demo", "--endpoint", "iam=https://evil.example"), "*.googleapis.com"),
        (("--project", "demo", "--endpoint", "mail=http://127.0.0.1:1"), "is none of"),
        (("--port", "70000"), "is no port"),
        (("--dance",), "unrecognized arguments"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_wrong_usage_ends_with_2_and_says_what_is_right(environ, arguments, said):
    from tests.doctor.conftest import Case

    ran = Case(ROOT, environ, *arguments, secrets=["sk-hush"]).run()
    assert ran.returncode == 2
    assert said in ran.stderr
    assert ran.stdout == ""
