"""What must hold of infra/terraform, judged in Python from the values that its files come to.

Needs neither Terraform nor an account. Everything is compared with a whole list (of resources, of
grants, of settings), so that what is added without being thought of is found like what is taken away.
"""

import ast
import re
from pathlib import Path

from infra.deploy.hcl import Unreadable
from infra.deploy.model import Model
from infra.deploy.values import Wrong
from lib import config
from lib.flows.context import Times
from lib.logs import EVENTS

ROOT = Path(__file__).resolve().parents[2]
TERRAFORM = ROOT / "infra/terraform"
GIVEN = {"project": "demo-project", "source_zip": "versions.tf"}
ACCOUNT = "serviceAccount:inbetween-{}@demo-project.iam.gserviceaccount.com"
FILMS, SOURCES = "demo-project-inbetween", "demo-project-inbetween-source"

RESOURCES = {
    "google_cloud_run_v2_service_iam_member": 2,
    "google_cloud_scheduler_job": 1,
    "google_cloudfunctions2_function": 2,
    "google_logging_metric": 5,
    "google_monitoring_alert_policy": 5,
    "google_monitoring_notification_channel": 0,
    "google_project_iam_member": 3,
    "google_project_service": 12,
    "google_secret_manager_secret": 3,
    "google_secret_manager_secret_iam_member": 5,
    "google_service_account": 4,
    "google_service_account_iam_member": 2,
    "google_storage_bucket": 2,
    "google_storage_bucket_iam_member": 3,
    "google_storage_bucket_object": 1,
}
# The arguments that we use, as the provider's documentation spells them (hashicorp/google, 6.40 to
# 8.x). A block is a list of objects; `*` takes any name of ours.
SHAPES = {
    "google_cloud_run_v2_service_iam_member": "project location name role member",
    "google_cloud_scheduler_job": "project region name description schedule time_zone paused attempt_deadline retry_config.retry_count http_target.http_method http_target.uri http_target.oidc_token.service_account_email http_target.oidc_token.audience",
    "google_cloudfunctions2_function": "project name location description url build_config.runtime build_config.entry_point build_config.service_account build_config.source.storage_source.bucket build_config.source.storage_source.object service_config.service_account_email service_config.available_cpu service_config.available_memory service_config.timeout_seconds service_config.max_instance_request_concurrency service_config.min_instance_count service_config.max_instance_count service_config.ingress_settings service_config.all_traffic_on_latest_revision service_config.environment_variables service_config.secret_environment_variables.key service_config.secret_environment_variables.project_id service_config.secret_environment_variables.secret service_config.secret_environment_variables.version",
    "google_logging_metric": "project name description filter metric_descriptor.metric_kind metric_descriptor.value_type metric_descriptor.unit",
    "google_monitoring_alert_policy": "project display_name combiner severity notification_channels conditions.display_name conditions.condition_absent.filter conditions.condition_absent.duration conditions.condition_absent.aggregations.alignment_period conditions.condition_absent.aggregations.per_series_aligner conditions.condition_absent.aggregations.cross_series_reducer conditions.condition_threshold.filter conditions.condition_threshold.comparison conditions.condition_threshold.threshold_value conditions.condition_threshold.duration conditions.condition_threshold.aggregations.alignment_period conditions.condition_threshold.aggregations.per_series_aligner conditions.condition_threshold.aggregations.cross_series_reducer conditions.condition_threshold.aggregations.group_by_fields documentation.mime_type documentation.content",
    "google_monitoring_notification_channel": "id project display_name type labels",
    "google_project_iam_member": "project role member condition.title condition.description condition.expression",
    "google_project_service": "project service disable_on_destroy",
    "google_secret_manager_secret": "project secret_id replication.auto",
    "google_secret_manager_secret_iam_member": "project secret_id role member",
    "google_service_account": "project account_id display_name description email member name id",
    "google_service_account_iam_member": "service_account_id role member",
    "google_storage_bucket": "project name location uniform_bucket_level_access public_access_prevention force_destroy soft_delete_policy.retention_duration_seconds lifecycle_rule.action.type lifecycle_rule.condition.age lifecycle_rule.condition.matches_prefix cors.origin cors.method cors.response_header cors.max_age_seconds",
    "google_storage_bucket_iam_member": "bucket role member",
    "google_storage_bucket_object": "bucket name source content_type",
}
MAPS = {"environment_variables", "labels"}
GRANTS = {
    ("allUsers", "roles/run.invoker", "inbetween-api"),
    (ACCOUNT.format("scheduler"), "roles/run.invoker", "inbetween-poll"),
    (ACCOUNT.format("api"), "roles/storage.objectUser", FILMS),
    (ACCOUNT.format("poll"), "roles/storage.objectUser", FILMS),
    (ACCOUNT.format("api"), "roles/secretmanager.secretAccessor", "inbetween-owner-keys"),
    *(
        (ACCOUNT.format(who), "roles/secretmanager.secretAccessor", f"inbetween-{secret}")
        for who in ("api", "poll")
        for secret in ("upstream", "webhook")
    ),
    *(
        (
            ACCOUNT.format(who),
            "roles/iam.serviceAccountTokenCreator",
            f"projects/demo-project/serviceAccounts/{ACCOUNT.format(who).partition(':')[2]}",
        )
        for who in ("api", "poll")
    ),
    (ACCOUNT.format("build"), "roles/artifactregistry.writer", "demo-project"),
    (ACCOUNT.format("build"), "roles/logging.logWriter", "demo-project"),
    (ACCOUNT.format("build"), "roles/storage.objectViewer", SOURCES),
    (
        ACCOUNT.format("build"),
        "roles/storage.objectViewer",
        'demo-project if resource.name.startsWith("projects/_/buckets/gcf-v2-")',
    ),
}
SWEPT = {"claims/": 4, "keys/": 8, "outbox/": 14, "frames/": 30, "uploads/": 3}
# Policies over an event that must never be: its name, and the metric that counts it.
NOTICED = {
    "unreadable_object": ("object.unreadable", "inbetween/unreadable_objects"),
    "late_task": ("upstream.late_task", "inbetween/late_tasks"),
    "clock_off": ("clock.off", "inbetween/clocks_off"),
}
SERVICES = {
    "artifactregistry", "cloudbuild", "cloudfunctions", "cloudresourcemanager", "cloudscheduler", "iam", "iamcredentials",
    "logging", "monitoring", "run", "secretmanager", "storage",
}  # fmt: skip
SECRETS = {
    "api": {"DASHSCOPE_API_KEY": "inbetween-upstream", "OWNER_KEYS": "inbetween-owner-keys"},
    "poll": {"DASHSCOPE_API_KEY": "inbetween-upstream"},
}
# Cloud Run functions, "Runtime support": those that our code runs on and that are not deprecated.
RUNTIMES = {"python311", "python312", "python313"}
# Read by the libraries below us, not by lib/config.py.
LIBRARIES = {"THREADS", "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"}
# A value that each variable must refuse; booleans take what they are given.
REFUSED = {
    "alert_5xx_above": -1,
    "alert_emails": ["nobody"],
    "allowed_origins": ["*"],
    "api_concurrency": 1,
    "api_invokers": ["allAuthenticatedUsers"],
    "api_max_instances": 0,
    "api_min_instances": 6,
    "api_timeout_s": 60,
    "bucket": "My_Bucket",
    "bucket_location": "?",
    "dashscope_region": "frankfurt",
    "first_look_s": 3601,
    "frame_delivery": "pigeon",
    "frames_days": 2,
    "id_token_audience": ["client"],
    "id_token_owners": {"a b": ["ada@example.com"]},
    "implicit_dedupe_s": 3601,
    "jobs_days": 8,
    "name": "x",
    "outbox_days": 1,
    "owner_keys_secret_version": "0",
    "owner_limits": {"a b": {"jobs_per_day": 1}},
    "poll_timeout_s": 100,
    "project": "Demo",
    "region": "Singapore",
    "runtime": "python39",
    "scheduler_region": "everywhere",
    "signed_url_ttl_s": 43201,
    "source_zip": "nowhere.zip",
    "tick_budget_s": 0,
    "upstream_secret_version": "newest",
    "webhook_secret_version": "newest",
    "videos_days": 0,
}
VALUE = {
    "DASHSCOPE_API_KEY": "sk-x",
    "OWNER_KEYS": "{}",
    "WEBHOOK_SECRETS": "{}",
    "DASHSCOPE_ACCOUNTS": '[{"api_key": "x"}]',
}


def refused(name):
    """Variables of which exactly this one is not allowed."""
    given = {name: REFUSED[name]}
    return {**given, "id_token_audience": ["client"]} if name == "id_token_owners" else given


def model(folder=TERRAFORM, **given):
    return Model(folder, {**GIVEN, **given})


def complaints(folder=TERRAFORM):
    """Every broken rule, as a sentence."""
    try:
        found = model(folder)
        judged = [sentence for rule in RULES for sentence in rule(found)]
        return [*found.refused(), *found.broken(), *judged]
    except (Wrong, Unreadable) as reason:
        return [str(reason)]
    except (KeyError, IndexError, TypeError, AttributeError) as reason:
        return [f"{type(reason).__name__} while judging: {reason}"]


def inventory(found):
    there = {kind: len(found.resources(kind)) for kind in found.types()}
    for kind in sorted(there.keys() | RESOURCES.keys()):
        if there.get(kind) != RESOURCES.get(kind):
            yield f"{kind}: {there.get(kind)} of them; thought of are {RESOURCES.get(kind)}"
    found.outputs()


def shapes(found):
    for kind in found.types():
        known = set(SHAPES.get(kind, "").split())
        for address, one in found.resources(kind).items():
            for path in sorted(set(paths(one)) - known):
                yield f"{kind}.{address}: {path} is no argument of it that we know"


def paths(one, above=""):
    for name, value in one.items():
        if isinstance(value, dict) and name not in MAPS:
            yield f"{above}{name} as a value"
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for block in value:
                yield from paths(block, f"{above}{name}.") if block else [f"{above}{name}"]
        else:
            yield f"{above}{name}"


def services(found):
    there = {one["service"] for one in found.resources("google_project_service").values()}
    if there != {f"{name}.googleapis.com" for name in SERVICES}:
        yield f"services: {sorted(there)}"
    if any(one["disable_on_destroy"] for one in found.resources("google_project_service").values()):
        yield "services: destroying this would switch off what others may use"


def buckets(found):
    for bucket in found.resources("google_storage_bucket").values():
        if bucket.get("public_access_prevention") != "enforced":
            yield f"{bucket['name']} could be made public"
        if bucket.get("uniform_bucket_level_access") is not True:
            yield f"{bucket['name']}: objects could have access lists of their own"
        if bucket["soft_delete_policy"][0]["retention_duration_seconds"] != 0:
            yield f"{bucket['name']}: deleted objects are kept and billed"
    films = found.resources("google_storage_bucket")["films"]
    if films["force_destroy"] is not False:
        yield "terraform destroy would delete the films"
    rules = [(rule["action"][0]["type"], rule["condition"][0]) for rule in films["lifecycle_rule"]]
    swept = {tuple(one.get("matches_prefix", ())): one.get("age") for _, one in rules}
    if swept != {(prefix,): days for prefix, days in SWEPT.items()}:
        yield f"swept are {swept}; thought of are {SWEPT}"
    if {kind for kind, _ in rules} != {"Delete"}:
        yield "a lifecycle rule does something else than delete"
    if "cors" in films:
        yield "CORS without an allowed origin"


def grants(found):
    there = []
    for kind in found.types():
        if "_iam_" in kind and not kind.endswith("_iam_member"):
            yield f"{kind} would take away what others have granted"
        if kind.endswith("_iam_member"):
            there += [_grant(one) for one in found.resources(kind).values()]
    for one in sorted(set(there) - GRANTS):
        yield f"granted and not thought of: {' · '.join(one)}"
    for one in sorted(GRANTS - set(there)):
        yield f"needed and not granted: {' · '.join(one)}"


def _grant(one):
    on = next(
        one[name]
        for name in ("service_account_id", "secret_id", "bucket", "name", "project")
        if name in one
    )
    only = "".join(f" if {condition['expression']}" for condition in one.get("condition", []))
    return one["member"], one["role"], on + only


def builds(found):
    tree = ast.parse((ROOT / "main.py").read_text())
    targets = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    source = found.resources("google_storage_bucket_object")["source"]
    if not re.fullmatch(r"inbetween-[0-9a-f]{64}\.zip", source["name"]):
        yield f"the zip {source['name']} is not named by its content"
    for name, function in found.resources("google_cloudfunctions2_function").items():
        build = function["build_config"][0]
        stored = build["source"][0]["storage_source"][0]
        if build["entry_point"] != name or name not in targets:
            yield f"{name}: its target is {build['entry_point']}"
        if build["runtime"] not in RUNTIMES:
            yield f"{name}: runtime {build['runtime']}"
        if (stored["bucket"], stored["object"]) != (SOURCES, source["name"]):
            yield f"{name}: built from {stored}"
        if not build["service_account"].endswith(ACCOUNT.format("build").partition(":")[2]):
            yield f"{name}: built as {build['service_account']}"


def sizes(found):
    for name, function in found.resources("google_cloudfunctions2_function").items():
        service = function["service_config"][0]
        if f"serviceAccount:{service['service_account_email']}" != ACCOUNT.format(name):
            yield f"{name}: runs as {service['service_account_email']}"
        if (service["available_cpu"], service["available_memory"]) != ("1", "512Mi"):
            yield f"{name}: {service['available_cpu']} CPU, {service['available_memory']}"
        threads = service["environment_variables"]["THREADS"]
        if str(service["max_instance_request_concurrency"]) != threads:
            yield f"{name}: {service['max_instance_request_concurrency']} at a time, {threads} threads"
        if not 0 <= service["min_instance_count"] <= service["max_instance_count"] <= 100:
            yield f"{name}: its numbers of instances"
        if service["ingress_settings"] != "ALLOW_ALL":
            yield f"{name}: nobody outside reaches it"


def settings(found):
    for name, function in found.resources("google_cloudfunctions2_function").items():
        service = function["service_config"][0]
        secrets = {one["key"]: one["secret"] for one in service["secret_environment_variables"]}
        if secrets != SECRETS[name]:
            yield f"{name}: gets the secrets {secrets}"
        try:
            yield from _understood(name, service["environment_variables"], secrets)
        except config.ConfigError as reason:
            yield f"{name} would not start: {reason}"


class Asked(dict):
    """An environment that remembers which names were looked for."""

    def __init__(self, *of):
        super().__init__(*of)
        self.names = set()

    def get(self, name, default=None):
        self.names.add(name)
        return super().get(name, default)


def _understood(name, environment, secrets):
    """The service's own reader takes the settings, and takes them all."""
    asked = Asked({**environment, **{key: VALUE[key] for key in secrets}})
    read = config.parse(asked)
    if unknown := sorted(set(environment) - asked.names - LIBRARIES):
        yield f"{name}: nothing reads {', '.join(unknown)}"
    if read.bucket != FILMS or read.local or read.auth_off:
        yield f"{name}: works on {read.bucket}"
    if name == "poll" and not (read.poll_audience and read.poll_invoker and read.poll_behind_iam):
        yield "poll would let nobody tick: behind IAM the token arrives without its signature"


def heartbeat(found):
    job = found.resources("google_cloud_scheduler_job")["tick"]
    poll = found.resources("google_cloudfunctions2_function")["poll"]
    service, target = poll["service_config"][0], job["http_target"][0]
    token, told = target["oidc_token"][0], service["environment_variables"]
    if job["schedule"] != "* * * * *":
        yield f"a tick at {job['schedule']!r} instead of every minute"
    if job["retry_config"][0]["retry_count"] != 0:
        yield "a tick that failed is tried again beside the next one"
    if (
        target["http_method"] != "POST"
        or target["uri"] != poll["url"]
        or job["paused"] is not False
    ):
        yield "the scheduler does not call poll"
    if (token["audience"], token["service_account_email"]) != (
        told["POLL_AUDIENCE"],
        told["POLL_INVOKER"],
    ):
        yield "the scheduler's token is not the one that poll expects"
    if f"serviceAccount:{token['service_account_email']}" != ACCOUNT.format("scheduler"):
        yield f"the scheduler calls as {token['service_account_email']}"
    deadline = re.fullmatch(r"(\d+)s", job["attempt_deadline"])
    if not deadline or not service["timeout_seconds"] < int(deadline[1]) <= 1800:
        yield f"the scheduler waits {job['attempt_deadline']}, poll works {service['timeout_seconds']} s"


def times(found):
    """Design: lease + create < timeout - 10 s; a copy of the budget's last second may end."""
    known = Times()
    api, poll = (
        found.resources("google_cloudfunctions2_function")[name]["service_config"][0]
        for name in ("api", "poll")
    )
    if not known.lease_s + 20 < api["timeout_seconds"] - 10:
        yield f"api is cut after {api['timeout_seconds']} s, inside a lease and a create"
    budget = float(poll["environment_variables"]["TICK_BUDGET_S"])
    if not budget + known.copy_at_most_s + 40 <= poll["timeout_seconds"] or budget >= 60:
        yield f"a budget of {budget} s and a copy do not fit into {poll['timeout_seconds']} s"


def noticed(found):
    metrics = {
        one["name"]: one["filter"] for one in found.resources("google_logging_metric").values()
    }
    policies = found.resources("google_monitoring_alert_policy")
    for name, (event, metric) in NOTICED.items():
        told = policies[name]["conditions"][0]["condition_threshold"][0]
        if f'metric.type="logging.googleapis.com/user/{metric}"' not in told["filter"]:
            yield f"the alert {name} does not look at {metric}"
        if (told["comparison"], told["threshold_value"]) != ("COMPARISON_GT", 0):
            yield f"{event} goes unnoticed"
        if f'event="{event}"' not in metrics.get(metric, ""):
            yield f"{metric} does not count {event}"


def alerts(found):
    metrics = {
        one["name"]: one["filter"] for one in found.resources("google_logging_metric").values()
    }
    policies = found.resources("google_monitoring_alert_policy")
    silent = policies["no_tick"]["conditions"][0]["condition_absent"][0]
    failed = policies["server_errors"]["conditions"][0]["condition_threshold"][0]
    for condition, metric in ((silent, "inbetween/ticks"), (failed, "inbetween/server_errors")):
        if f'metric.type="logging.googleapis.com/user/{metric}"' not in condition["filter"]:
            yield f"an alert does not look at {metric}"
    if silent["duration"] != "300s":
        yield f"a silent heartbeat is told after {silent['duration']}"
    if (failed["comparison"], failed["threshold_value"]) != ("COMPARISON_GT", 0):
        yield "an answer with 5xx goes unnoticed"
    if 'service_name="inbetween-poll"' not in metrics["inbetween/ticks"]:
        yield "ticks are counted of something else than poll"
    if "httpRequest.status>=500" not in metrics["inbetween/server_errors"]:
        yield "5xx are counted from another status on"
    said = " ".join(
        [*metrics.values(), *(one["documentation"][0]["content"] for one in policies.values())]
    )
    named = set(re.findall(r'event="([^"]+)"', said)) | set(
        re.findall(r"`((?:tick|request)\.\w+)`", said)
    )
    if 'event="tick.done"' not in said or not named <= EVENTS:
        yield f"events that lib/logs.py does not know: {sorted(named - EVENTS)}"


def variables(found):
    for name, block in found.blocks("variable").items():
        for need in ("description", "type"):
            if need not in block.values:
                yield f"variable {name} has no {need}"
        checks = [one for one in block.blocks if one.kind == "validation"]
        if not checks and block.values.get("type") != ("root", "bool"):
            yield f"variable {name} takes anything"
        for check in checks:
            message = found.value(check.values["error_message"], {})
            if not message.startswith((f"{name} must ", f"{name} and ")) or not message.endswith(
                "."
            ):
                yield f"variable {name}: {message!r} does not say what is allowed"
        if re.search(r"(api_key|password|token|secret)$", name):
            yield f"variable {name} would put a secret into the state"
    for name in ("videos_days", "jobs_days"):
        if found.variables[name] is not None:
            yield f"{name}: films and jobs are kept unless somebody says otherwise"


def bounds(found):
    usual = found.variables
    for name in sorted(REFUSED.keys() & found.blocks("variable").keys()):
        found.variables = {**usual, **refused(name)}
        if not found.refused():
            yield f"variable {name} takes {REFUSED[name]!r}"
    found.variables = usual


def versions(found):
    inside = [block for one in found.blocks("terraform").values() for block in one.blocks]
    (needed,) = (block for block in inside if block.kind == "required_providers")
    google = found.value(needed.values["google"], {})
    if (
        google != {"source": "hashicorp/google", "version": ">= 6.40, < 9.0"}
        or len(needed.values) > 1
    ):
        yield f"providers: {google}"


RULES = (
    *(inventory, shapes, services, buckets, grants, builds, sizes, settings),
    *(heartbeat, times, noticed, alerts, variables, bounds, versions),
)
