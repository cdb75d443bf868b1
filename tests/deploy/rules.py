"""What must hold of infra/terraform, judged in Python from the files as they are written.

Needs neither Terraform nor an account, and works nothing out: a rule compares literals, references and
whole lists (of resources, of grants, of settings), so that what is added without being thought of is
found like what is taken away. What values come to is Terraform's to say, in infra/terraform/tests.
"""

import ast
import json
import re
from pathlib import Path

from lib import config
from lib.config.owners import DEFAULT_LIMITS
from lib.core.limits import COUNTS, MONEY
from lib.flows.context import Times
from lib.logs import EVENTS
from tests.deploy import settings as told
from tests.deploy.configuration import Configuration, UnreadableError, expression, read

ROOT = Path(__file__).resolve().parents[2]
TERRAFORM = ROOT / "infra/terraform"

# How many blocks of each type there are.
RESOURCES = {
    "google_cloud_run_v2_service_iam_member": 2,
    "google_cloud_scheduler_job": 1,
    "google_cloudfunctions2_function": 2,
    "google_logging_metric": 11,
    "google_monitoring_alert_policy": 9,
    "google_monitoring_dashboard": 1,
    "google_monitoring_notification_channel": 1,
    "google_project_iam_member": 2,
    "google_project_service": 1,
    "google_secret_manager_secret": 1,
    "google_secret_manager_secret_iam_member": 1,
    "google_service_account": 1,
    "google_service_account_iam_member": 1,
    "google_storage_bucket": 2,
    "google_storage_bucket_iam_member": 2,
    "google_storage_bucket_object": 1,
}
# The arguments that we use, as the provider's documentation spells them (hashicorp/google, 6.40 to
# 8.x). A block is a list of objects; `*` takes any name of ours.
SHAPES = {
    "google_cloud_run_v2_service_iam_member": "project location name role member",
    "google_cloud_scheduler_job": "project region name description schedule time_zone paused attempt_deadline retry_config.retry_count http_target.http_method http_target.uri http_target.oidc_token.service_account_email http_target.oidc_token.audience",
    "google_cloudfunctions2_function": "project name location description url build_config.runtime build_config.entry_point build_config.service_account build_config.source.storage_source.bucket build_config.source.storage_source.object service_config.service_account_email service_config.available_cpu service_config.available_memory service_config.timeout_seconds service_config.max_instance_request_concurrency service_config.min_instance_count service_config.max_instance_count service_config.ingress_settings service_config.all_traffic_on_latest_revision service_config.environment_variables service_config.secret_environment_variables.key service_config.secret_environment_variables.project_id service_config.secret_environment_variables.secret service_config.secret_environment_variables.version",
    "google_logging_metric": "project name description filter value_extractor metric_descriptor.metric_kind metric_descriptor.value_type metric_descriptor.unit",
    "google_monitoring_alert_policy": "project display_name combiner severity notification_channels conditions.display_name conditions.condition_prometheus_query_language.query conditions.condition_prometheus_query_language.duration conditions.condition_prometheus_query_language.evaluation_interval conditions.condition_prometheus_query_language.disable_metric_validation conditions.condition_threshold.filter conditions.condition_threshold.comparison conditions.condition_threshold.threshold_value conditions.condition_threshold.duration conditions.condition_threshold.aggregations.alignment_period conditions.condition_threshold.aggregations.per_series_aligner conditions.condition_threshold.aggregations.cross_series_reducer conditions.condition_threshold.aggregations.group_by_fields documentation.mime_type documentation.content",
    "google_monitoring_dashboard": "project dashboard_json",
    "google_monitoring_notification_channel": "id project display_name type labels",
    "google_project_iam_member": "project role member condition.title condition.description condition.expression",
    "google_project_service": "project service disable_on_destroy",
    "google_secret_manager_secret": "project secret_id replication.auto replication.user_managed.replicas.location",
    "google_secret_manager_secret_iam_member": "project secret_id role member",
    "google_service_account": "project account_id display_name description email member name id",
    "google_service_account_iam_member": "service_account_id role member",
    "google_storage_bucket": "project project_number name location uniform_bucket_level_access public_access_prevention force_destroy soft_delete_policy.retention_duration_seconds lifecycle_rule.action.type lifecycle_rule.condition.age lifecycle_rule.condition.matches_prefix cors.origin cors.method cors.response_header cors.max_age_seconds",
    "google_storage_bucket_iam_member": "bucket role member",
    "google_storage_bucket_object": "bucket name source content_type",
}
CANNOT = "cannot be judged by"
META = {"depends_on", "for_each", "lifecycle"}  # what Terraform itself reads
MAPS = {"environment_variables", "labels"}
IDENTITY = "${google_service_account.identity[%s].%s}"
BUILD = IDENTITY % ('"build"', "member")
ITSELF = IDENTITY % ("each.key", "member")
# For each of what, to whom, which role, on what.
GRANTS = {
    (
        "${toset(var.api_invokers)}",
        "${each.value}",
        "roles/run.invoker",
        "${google_cloudfunctions2_function.api.name}",
    ),
    (
        "",
        IDENTITY % ('"scheduler"', "member"),
        "roles/run.invoker",
        "${google_cloudfunctions2_function.poll.name}",
    ),
    (
        "${local.functions}",
        ITSELF,
        "roles/storage.objectUser",
        "${google_storage_bucket.films.name}",
    ),
    (
        "${local.functions}",
        ITSELF,
        "roles/iam.serviceAccountTokenCreator",
        IDENTITY % ("each.key", "name"),
    ),
    (
        "${local.readers}",
        IDENTITY % ("each.value.reader", "member"),
        "roles/secretmanager.secretAccessor",
        "${google_secret_manager_secret.secret[each.value.secret].secret_id}",
    ),
    (
        '${toset(["roles/artifactregistry.writer", "roles/logging.logWriter"])}',
        BUILD,
        "${each.value}",
        "${var.project}",
    ),
    ("", BUILD, "roles/storage.objectViewer", "${google_storage_bucket.source.name}"),
    (
        "",
        BUILD,
        "roles/storage.objectViewer",
        '${var.project} if resource.name.startsWith("projects/_/buckets/gcf-v2-")',
    ),
}
# What the grants go over.
LISTS = {
    "functions": '${toset(["api", "poll"])}',
    "readers": '${merge([for secret, about in local.secrets : {for reader in about.read : "${secret}/${reader}" => {secret = secret, reader = reader}}] ...)}',
}
READERS = {"upstream": ["api", "poll"], "owner-keys": ["api"], "webhook": ["api", "poll"]}
IDENTITIES = {"api", "poll", "scheduler", "build"}
SWEPT = {"claims/": 4, "keys/": 8, "outbox/": 14, "frames/": 30, "uploads/": 3}
# Policies over an event that must never be: its name, and the metric that counts it.
NOTICED = {
    "unknown_outcome": ("submit.unknown", "unknown_outcomes"),
    "unreadable_object": ("object.unreadable", "unreadable_objects"),
    "late_task": ("upstream.late_task", "late_tasks"),
    "clock_off": ("clock.off", "clocks_off"),
}
# Policies with a bound of their own: the metric, more than how many, within how long.
LIMITED = {
    "refused_ticks": ("refused_ticks", 2, "300s"),
    "backlog": ("late_backlogs", 0, "300s"),
    "many_jobs": ("jobs_created", "${var.alert_jobs_per_day}", "86400s"),
}
# What else is counted, and a piece of the filter that says what.
COUNTED = {
    "refused_ticks": 'resource.labels.job_id="inbetween-tick" AND severity>=ERROR',
    "late_backlogs": 'jsonPayload.event="tick.done" AND jsonPayload.oldest_s>7200',
    "jobs_created": 'jsonPayload.event="job.created"',
    "jobs_completed": 'jsonPayload.event="job.completed"',
}
DRAWN = {
    "jobs_completed", "jobs_created", "late_tasks", "oldest_job", "refused_ticks", "server_errors", "ticks",
    "unknown_outcomes", "unreadable_objects",
}  # fmt: skip
SERVICES = {
    "artifactregistry", "cloudbuild", "cloudfunctions", "cloudresourcemanager", "cloudscheduler", "iam", "iamcredentials",
    "logging", "monitoring", "run", "secretmanager", "storage",
}  # fmt: skip
SECRETS = {
    "api": {
        "DASHSCOPE_API_KEY": ("inbetween-upstream", "latest"),
        "OWNER_KEYS": ("inbetween-owner-keys", "latest"),
    },
    "poll": {"DASHSCOPE_API_KEY": ("inbetween-upstream", "latest")},
}
RUN = "google_cloudfunctions2_function.api.service_config[0].uri"
ADDRESSES = {
    "url": f"${{var.public_url == null ? {RUN} : var.public_url}}",
    "poll_url": "${google_cloudfunctions2_function.poll.url}",
}
# Cloud Run functions, "Runtime support": those that our code runs on and that are not deprecated.
RUNTIMES = ["python311", "python312", "python313", "python314"]
# What comes before a build, or its first minutes fail: the grants of the build and of the function.
BEFORE_A_BUILD = {
    "google_project_iam_member.build",
    "google_project_iam_member.build_sources",
    "google_project_service.needed",
    "google_secret_manager_secret_iam_member.reads",
    "google_service_account_iam_member.signs_as_itself",
    "google_storage_bucket_iam_member.build_reads_source",
    "google_storage_bucket_iam_member.functions_use_films",
}
# What Terraform may never destroy: it holds what nobody can make again.
KEPT = {"google_storage_bucket.films", "google_secret_manager_secret.secret"}


def configuration(folder=TERRAFORM):
    return Configuration(folder)


def complaints(folder=TERRAFORM):
    """Every broken rule, as a sentence."""
    try:
        found = configuration(folder)
    except UnreadableError as reason:
        return [str(reason)]
    # A circle would lead the other rules round and round.
    lost = list(judged(references, found))
    return lost or [sentence for rule in RULES for sentence in judged(rule, found)]


def judged(rule, found):
    """What a rule says; that it cannot judge at all is said as well."""
    try:
        yield from rule(found)
    except UnreadableError as reason:
        yield str(reason)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as reason:
        yield f"{CANNOT} {rule.__name__}: {type(reason).__name__}: {reason}"


def inventory(found):
    there = {kind: len(named) for kind, named in found.resources.items()}
    for kind in sorted(there.keys() | RESOURCES.keys()):
        if there.get(kind) != RESOURCES.get(kind):
            yield f"{kind}: {there.get(kind)} of them; thought of are {RESOURCES.get(kind)}"


def shapes(found):
    for kind, named in found.resources.items():
        known = set(SHAPES.get(kind, "").split())
        for name, one in named.items():
            own = {key: value for key, value in one.items() if key not in META}
            for path in sorted(set(paths(own)) - known):
                yield f"{kind}.{name}: {path} is no argument of it that we know"
            if own.get("project", "${var.project}") != "${var.project}":
                yield f"{kind}.{name}: is in {own['project']}"
    for name, value in found.locals.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield f"local.{name} is a block"


def paths(one, above=""):
    for name, value in one.items():
        if name == "for_each":
            continue  # of a dynamic block
        if isinstance(value, dict) and name not in MAPS:
            yield f"{above}{name} as a value"
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for block in value:
                yield from paths(block, f"{above}{name}.") if block else [f"{above}{name}"]
        else:
            yield f"{above}{name}"


def references(found):
    known = {kind: {path.partition(".")[0] for path in of.split()} for kind, of in SHAPES.items()}
    yield from found.lost(known)


def services(found):
    listed = re.fullmatch(r"\$\{toset\((\[.*\])\)\}", found.locals["services"])
    if {*expression(listed[1])} != {f"{name}.googleapis.com" for name in SERVICES}:
        yield f"services: {listed[1]}"
    needed = found.resources["google_project_service"]["needed"]
    if (needed["for_each"], needed["service"]) != ("${local.services}", "${each.value}"):
        yield "services: others than the list is switched on"
    if needed["disable_on_destroy"] is not False:
        yield "services: destroying this would switch off what others may use"


def buckets(found):
    for name, bucket in found.resources["google_storage_bucket"].items():
        if bucket.get("public_access_prevention") != "enforced":
            yield f"{name} could be made public"
        if bucket.get("uniform_bucket_level_access") is not True:
            yield f"{name}: objects could have access lists of their own"
    films = found.resources["google_storage_bucket"]["films"]
    if films["force_destroy"] is not False:
        yield "terraform destroy would delete the films"
    swept = {prefix: found.plain(days) for prefix, days in found.locals["sweep"].items()}
    if (kept := {prefix: days for prefix, days in swept.items() if days is not None}) != SWEPT:
        yield f"swept are {kept}; thought of are {SWEPT}"
    wanted = {
        "for_each": "${{for prefix, days in local.sweep : prefix => days if days != null}}",
        "action": [{"type": "Delete"}],
        "condition": [
            {"age": "${lifecycle_rule.value}", "matches_prefix": ["${lifecycle_rule.key}"]}
        ],
    }
    if films["lifecycle_rule"] != [wanted]:
        yield f"a lifecycle rule does something else than delete by prefix: {films['lifecycle_rule']}"
    (cors,) = films["cors"]
    named = "${length(var.allowed_origins) > 0 ? [var.allowed_origins] : []}"
    if (cors["for_each"], cors["origin"]) != (named, "${cors.value}"):
        yield f"CORS for {cors['for_each']}"
    if found.default("allowed_origins") != []:
        yield "CORS without an allowed origin"


def restored(found):
    """For how long what is deleted can be restored, by bucket."""
    kept = {
        name: bucket["soft_delete_policy"][0]["retention_duration_seconds"]
        for name, bucket in found.resources["google_storage_bucket"].items()
    }
    if kept != {"films": "${var.soft_delete_days * 86400}", "source": 0}:
        yield f"what is deleted is kept for {kept}"
    if found.default("soft_delete_days") != 7:
        yield "by default, what a wrong command deletes cannot be restored"


def kept(found):
    """What may never be destroyed, and that a bucket stays where it is and says so."""
    protected = {
        f"{kind}.{name}"
        for kind, named in found.resources.items()
        for name, one in named.items()
        if any(block.get("prevent_destroy") is True for block in one.get("lifecycle", []))
    }
    if protected != KEPT:
        yield f"protected from being destroyed are {sorted(protected)}; thought of are {sorted(KEPT)}"
    films = found.resources["google_storage_bucket"]["films"]
    if films["lifecycle"][0].get("ignore_changes") not in (["location"], ["${location}"]):
        yield "another region would ask for another, empty bucket"
    if films["location"] != "${local.bucket_location}":
        yield f"the bucket is made in {films['location']}"
    told = found.settings["check"][0]["bucket_stays"]["assert"][0]["condition"]
    if told != "${upper(google_storage_bucket.films.location) == upper(local.bucket_location)}":
        yield "nobody is told that the bucket stays where it is"
    taken = found.settings["import"][0]
    if (taken["to"], taken["id"], taken["for_each"]) != (
        "${google_storage_bucket.films}",
        "${each.value}",
        "${var.bucket_exists ? toset([local.bucket]) : toset([])}",
    ) or found.default("bucket_exists") is not False:
        yield f"a bucket is taken over by {taken}"


def order(found):
    """What must be there first, since Google learns of it within minutes only."""
    for name, function in found.resources["google_cloudfunctions2_function"].items():
        first = {text[2:-1] for text in function.get("depends_on", [])}
        for missing in sorted(BEFORE_A_BUILD - first):
            yield f"{name} may be built before {missing} is there"
    tick = found.resources["google_cloud_scheduler_job"]["tick"]
    if "${google_cloud_run_v2_service_iam_member.scheduler_calls_poll}" not in tick["depends_on"]:
        yield "the first ticks may be refused: the scheduler's grant may come later"
    watching = found.resources["google_monitoring_alert_policy"] | {
        "dashboard": found.resources["google_monitoring_dashboard"]["service"]
    }
    for name, one in watching.items():
        if "${google_cloud_scheduler_job.tick}" not in one.get("depends_on", []):
            yield f"{name} may be made before Google knows its metric"


def grants(found):
    there = set()
    for kind, named in found.resources.items():
        if "_iam_" in kind and not kind.endswith("_iam_member"):
            yield f"{kind} would take away what others have granted"
        if kind.endswith("_iam_member"):
            there |= {_grant(one) for one in named.values()}
    for one in sorted(there - GRANTS):
        yield f"granted and not thought of: {' · '.join(one)}"
    for one in sorted(GRANTS - there):
        yield f"needed and not granted: {' · '.join(one)}"


def _grant(one):
    on = next(
        one[name]
        for name in ("service_account_id", "secret_id", "bucket", "name", "project")
        if name in one
    )
    only = "".join(f" if {condition['expression']}" for condition in one.get("condition", []))
    return one.get("for_each", ""), one["member"], one["role"], on + only


def people(found):
    """Whom the grants go to, and what they go over."""
    for name, wanted in LISTS.items():
        if found.locals[name] != wanted:
            yield f"local.{name} is {found.locals[name]}"
    readers = {name: about["read"] for name, about in found.locals["secrets"].items()}
    if readers != READERS:
        yield f"the secrets are read by {readers}"
    if found.default("api_invokers") != ["allUsers"]:
        yield f"api is open to {found.default('api_invokers')}"
    identity = found.resources["google_service_account"]["identity"]
    if (found.locals["identities"].keys(), identity["for_each"]) != (
        IDENTITIES,
        "${local.identities}",
    ):
        yield f"there are the identities {sorted(found.locals['identities'])}"
    secret = found.resources["google_secret_manager_secret"]["secret"]
    (kept_at,) = secret["replication"]
    named = "${length(var.secret_locations) == 0 ? [] : [var.secret_locations]}"
    if [block["for_each"] for block in kept_at.get("user_managed", [])] != [named]:
        yield "secrets cannot be kept in named regions, as some organisations want"
    made = {
        (one["for_each"], one.get("account_id") or one["secret_id"]) for one in (identity, secret)
    }
    if made != {
        ("${local.identities}", "${var.name}-${each.key}"),
        ("${local.secrets}", "${var.name}-${each.key}"),
    }:
        yield f"identities and secrets are named by {sorted(made)}"


def builds(found):
    tree = ast.parse((ROOT / "main.py").read_text())
    targets = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    source = found.resources["google_storage_bucket_object"]["source"]
    if source["name"] != "${var.name}-${filesha256(var.source_zip)}.zip":
        yield f"the zip {source['name']} is not named by its content"
    if (source["bucket"], source["source"]) != (
        "${google_storage_bucket.source.name}",
        "${var.source_zip}",
    ):
        yield f"the zip is {source['source']} in {source['bucket']}"
    if choices(found, "runtime") != RUNTIMES:
        yield f"runtimes: {choices(found, 'runtime')}"
    for name, function in found.resources["google_cloudfunctions2_function"].items():
        build = function["build_config"][0]
        if build["entry_point"] != name or name not in targets:
            yield f"{name}: its target is {build['entry_point']}"
        if build["runtime"] != "${var.runtime}":
            yield f"{name}: runtime {build['runtime']}"
        if build["source"][0]["storage_source"] != [
            {
                "bucket": "${google_storage_bucket.source.name}",
                "object": "${google_storage_bucket_object.source.name}",
            }
        ]:
            yield f"{name}: built from {build['source']}"
        if build["service_account"] != IDENTITY % ('"build"', "id"):
            yield f"{name}: built as {build['service_account']}"


def sizes(found):
    for name in told.FUNCTIONS:
        service = told.service_of(found, name)
        if service["service_account_email"] != IDENTITY % (f'"{name}"', "email"):
            yield f"{name}: runs as {service['service_account_email']}"
        if (service["available_cpu"], service["available_memory"]) != ("1", "512Mi"):
            yield f"{name}: {service['available_cpu']} CPU, {service['available_memory']}"
        threads = told.written(found, name)["THREADS"]
        concurrency = service["max_instance_request_concurrency"]
        if threads != f"${{tostring({concurrency[2:-1]})}}":
            yield f"{name}: {concurrency} at a time, {threads} threads"
        fewest, most = (found.plain(service[f"{end}_instance_count"]) for end in ("min", "max"))
        if not 0 <= fewest <= most <= 100:
            yield f"{name}: its numbers of instances"
        if service["ingress_settings"] != "ALLOW_ALL":
            yield f"{name}: nobody outside reaches it"
        wanted = "${var.api_takes_traffic}" if name == "api" else True
        if service["all_traffic_on_latest_revision"] != wanted:
            yield f"{name}: a new revision gets its requests by {service['all_traffic_on_latest_revision']}"


def settings(found):
    for name in told.FUNCTIONS:
        if "PUBLIC_URL" not in told.written(found, name):
            yield f"{name} is not told under which address it is reached"
    if (there := told.secrets(found)) != SECRETS:
        yield f"the functions get the secrets {there}"
    for name, environment in told.complete(found).items():
        try:
            yield from told.not_understood(name, environment)
        except config.ConfigError as reason:
            yield f"{name} would not start: {reason}"


def heartbeat(found):
    job = found.resources["google_cloud_scheduler_job"]["tick"]
    poll = found.resources["google_cloudfunctions2_function"]["poll"]
    target, expected = job["http_target"][0], told.written(found, "poll")
    token = target["oidc_token"][0]
    if job["schedule"] != "* * * * *":
        yield f"a tick at {job['schedule']!r} instead of every minute"
    if job["retry_config"] != [{"retry_count": 0}]:
        yield "a tick that failed is tried again beside the next one"
    if (target.get("http_method"), target.get("uri"), job["paused"]) != (
        "POST",
        "${google_cloudfunctions2_function.poll.url}",
        "${var.paused}",
    ) or found.default("paused") is not False:
        yield "the scheduler does not call poll"
    named = '${var.tick_audience == "run" ? local.poll_run_url : local.poll_url}'
    if (token["audience"], token["service_account_email"], expected["POLL_AUDIENCE"]) != (
        named,
        expected["POLL_INVOKER"],
        "${local.poll_url} ${local.poll_run_url}",
    ):
        yield "the scheduler's token is not the one that poll expects"
    if token["service_account_email"] != IDENTITY % ('"scheduler"', "email"):
        yield f"the scheduler calls as {token['service_account_email']}"
    # Google's form of a function's address, from where it lies and what it is called.
    address = "https://${var.region}-${var.project}.cloudfunctions.net/${local.poll_name}"
    # Cloud Run, "Service URLs": the deterministic one, of name, project number and region.
    run = "https://${local.poll_name}-${google_storage_bucket.source.project_number}.${var.region}.run.app"
    if (found.locals["poll_url"], found.locals["poll_run_url"]) != (address, run) or (
        (poll["location"], poll["project"], poll["name"])
        != ("${var.region}", "${var.project}", "${local.poll_name}")
    ):
        yield f"poll's address is not {found.locals['poll_url']}"
    compared = job["lifecycle"][0]["precondition"][0]["condition"]
    if compared != "${google_cloudfunctions2_function.poll.url == local.poll_url}":
        yield "nobody compares poll's address with its audience"


def times(found):
    """Design: lease + create < timeout - 10 s; a copy of the budget's last second may end."""
    known = Times()
    api, poll = (told.service_of(found, name)["timeout_seconds"] for name in told.FUNCTIONS)
    if (api, poll) != ("${var.api_timeout_s}", "${var.poll_timeout_s}"):
        yield f"the functions' timeouts are {api} and {poll}"
    shortest, _ = limits(found, "api_timeout_s")
    for seconds in (shortest, found.default("api_timeout_s")):
        if not known.lease_s + 20 < seconds - 10:
            yield f"api is cut after {seconds} s, inside a lease and a create"
    budget, work = found.default("tick_budget_s"), found.default("poll_timeout_s")
    if not budget + known.copy_at_most_s + 40 <= work or budget >= 60:
        yield f"a budget of {budget} s and a copy do not fit into {work} s"
    deadline = found.resources["google_cloud_scheduler_job"]["tick"]["attempt_deadline"]
    later = re.fullmatch(r"\$\{var\.poll_timeout_s \+ (\d+)\}s", deadline)
    _, longest = limits(found, "poll_timeout_s")
    if not later or not 0 < int(later[1]) <= 1800 - longest:
        yield f"the scheduler waits {deadline}, poll works {longest} s at most"


def noticed(found):
    metrics = found.resources["google_logging_metric"]
    policies = found.resources["google_monitoring_alert_policy"]
    for name, (event, metric) in NOTICED.items():
        condition = policies[name]["conditions"][0]["condition_threshold"][0]
        yield from _looks_at(name, condition, metric)
        if (condition["comparison"], condition["threshold_value"]) != ("COMPARISON_GT", 0):
            yield f"{event} goes unnoticed"
        if f'event="{event}"' not in metrics[metric]["filter"]:
            yield f"{metric} does not count {event}"


def _looks_at(name, condition, metric):
    wanted = f'metric.type="logging.googleapis.com/user/${{google_logging_metric.{metric}.name}}"'
    if wanted not in condition["filter"]:
        yield f"the alert {name} does not look at {metric}"


def _silence(conditions):
    """No tick at all counts as 0 ticks, so that a service that never ticked is told, too."""
    (condition,) = conditions
    asked = condition["condition_prometheus_query_language"][0]
    metric = '${replace(google_logging_metric.ticks.name, "/[^a-zA-Z0-9]/", "_")}'
    series = f'logging_googleapis_com:user_{metric}{{monitored_resource="cloud_run_revision"}}[10m]'
    if asked["query"] != f"(sum(increase({series})) or vector(0)) < 0.5":
        yield f"a heartbeat that never began is not told: {asked['query']}"
    if (asked["duration"], asked["evaluation_interval"]) != ("300s", "60s"):
        yield f"a silent heartbeat is told after {asked['duration']}"
    if asked["disable_metric_validation"] is not True:
        yield "the alert on a metric that never had a point is refused at the first deployment"


def dashboard(found):
    drawn = found.resources["google_monitoring_dashboard"]["service"]["dashboard_json"]
    if not drawn.startswith('${templatefile("${path.module}/dashboard.json.tftpl", {'):
        yield f"the dashboard is {drawn}"
    text = (found.folder / "dashboard.json.tftpl").read_text("utf-8")
    named = {"name": "n", "api_name": "a", "poll_name": "p", "counted": "c", "backlog_s": "1"}
    for name, value in named.items():
        text = text.replace(f"${{{name}}}", value)
    if "${" in text:
        yield "the dashboard names what it is not given"
    try:
        tiles = json.loads(text)["mosaicLayout"]["tiles"]
    except ValueError as reason:
        yield f"the dashboard is no JSON: {reason}"
        return
    places = {(tile.get("xPos", 0), tile.get("yPos", 0)) for tile in tiles}
    if len(places) != len(tiles):
        yield "two pictures of the dashboard lie on one place"
    counted = set(re.findall(r'metric\.type=\\"c/(\w+)\\"', text))
    if counted != DRAWN:
        yield f"the dashboard draws {sorted(counted)}; thought of are {sorted(DRAWN)}"
    if lost := counted - found.resources["google_logging_metric"].keys():
        yield f"the dashboard draws what nobody counts: {sorted(lost)}"
    age = found.resources["google_logging_metric"]["oldest_job"]
    if age["value_extractor"] != "EXTRACT(jsonPayload.oldest_s)":
        yield "the age of the oldest job is not the one that a tick tells"


def bounds(found):
    """Alerts with a bound of their own, and what their metrics count."""
    policies = found.resources["google_monitoring_alert_policy"]
    for name, (metric, most, window) in LIMITED.items():
        condition = policies[name]["conditions"][0]["condition_threshold"][0]
        yield from _looks_at(name, condition, metric)
        there = (
            condition["comparison"],
            condition["threshold_value"],
            condition["aggregations"][0]["alignment_period"],
        )
        if there != ("COMPARISON_GT", most, window):
            yield f"{name} is told at {there}"
    counted = found.resources["google_logging_metric"]
    for metric, text in COUNTED.items():
        if text not in found.written(counted[metric]["filter"]):
            yield f"{metric} counts {counted[metric]['filter']}"
    for name, one in policies.items():
        if one.get("enabled", True) is not True or not one["notification_channels"]:
            yield f"the alert {name} tells nobody"


def alerts(found):
    counted = {
        name: found.written(one["filter"])
        for name, one in found.resources["google_logging_metric"].items()
    }
    policies = found.resources["google_monitoring_alert_policy"]
    failed = policies["server_errors"]["conditions"][0]["condition_threshold"][0]
    yield from _silence(policies["no_tick"]["conditions"])
    yield from _looks_at("server_errors", failed, "server_errors")
    if (failed["comparison"], found.plain(failed["threshold_value"])) != ("COMPARISON_GT", 0):
        yield "an answer with 5xx goes unnoticed"
    if 'service_name="inbetween-poll"' not in counted["ticks"]:
        yield "ticks are counted of something else than poll"
    if "httpRequest.status>=500" not in counted["server_errors"]:
        yield "5xx are counted from another status on"
    said = " ".join(
        [*counted.values(), *(one["documentation"][0]["content"] for one in policies.values())]
    )
    named = set(re.findall(r'event="([^"]+)"', said)) | set(
        re.findall(r"`((?:tick|request)\.\w+)`", said)
    )
    if 'event="tick.done"' not in said or not named <= EVENTS:
        yield f"events that lib/logs.py does not know: {sorted(named - EVENTS)}"


def limited_by_default(found):
    """Nobody spends without bound by default, and what the bounds are is said at the end."""
    usual, said = found.default("owner_limits"), found.outputs["limits"]["value"]
    if usual != {"*": dict(DEFAULT_LIMITS)}:
        yield f"by default an owner is limited otherwise than by the service: {usual}"
    words = "{jobs_per_day} jobs a day, {jobs_running} at once, {uploads_per_day} uploads a day"
    if words.format(**DEFAULT_LIMITS) not in said or "jsonencode(var.owner_limits)" not in said:
        yield "the owners' limits are not said, or told otherwise than they are"


def limited(found):
    """Every limit of the service can be set, and a budget is made by one line."""
    if found.variables["owner_limits"]["type"] not in {"any", "${any}"}:
        yield "owner_limits holds numbers only, or texts only"
    for limit in (*COUNTS, *MONEY):
        if limit not in conditions(found, "owner_limits"):
            yield f"owner_limits: nobody looks at {limit}"
    line = found.outputs["budget_to_make"]["value"]
    for part in (
        "${var.budget_per_month}",
        "--filter-projects=projects/${var.project}",
        "percent=0.9",
    ):
        if part not in line:
            yield f"the budget's line has no {part}"
    for name, wanted in ADDRESSES.items():
        if found.outputs[name]["value"] != wanted:
            yield f"the output {name} is {found.outputs[name]['value']}"


def variables(found):
    for name, block in found.variables.items():
        for need in ("description", "type"):
            if need not in block:
                yield f"variable {name} has no {need}"
        if "validation" not in block and block.get("type") != "bool":
            yield f"variable {name} takes anything"
        if re.search(r"(api_key|password|token|secret)$", name):
            yield f"variable {name} would put a secret into the state"
    for name in ("videos_days", "jobs_days"):
        if found.default(name) is not None:
            yield f"{name}: films and jobs are kept unless somebody says otherwise"


def checks(found):
    """What a variable's rule looks at and says, and that its default keeps it."""
    for name, block in found.variables.items():
        rules = block.get("validation", [])
        if rules and not re.search(rf"\bvar\.{name}\b", conditions(found, name)):
            yield f"variable {name}: its rule does not look at it"
        for message in (one["error_message"] for one in rules):
            if not message.startswith((f"{name} must ", f"{name} and ")) or message[-1] != ".":
                yield f"variable {name}: {message!r} does not say what is allowed"
        yield from _usual(found, name)


def _usual(found, name):
    """A default keeps the variable's own rule, where that is a list or two bounds."""
    usual, allowed = found.default(name), choices(found, name)
    if allowed is not None and usual not in allowed:
        yield f"variable {name}: {usual} is none of {allowed}"
    if isinstance(usual, int | float) and not isinstance(usual, bool):
        least, most = limits(found, name)
        if not (least is None or least <= usual) or not (most is None or usual <= most):
            yield f"variable {name}: {usual} is not between {least} and {most}"


def conditions(found, name):
    return " && ".join(
        str(check["condition"]) for check in found.variables[name].get("validation", [])
    )


def choices(found, name):
    """The list that a variable's rule takes from; None if it is no list."""
    listed = re.search(rf"contains\((\[[^\]]*\]), var\.{name}\)", conditions(found, name))
    return listed and expression(listed[1])


def limits(found, name):
    """The least and the most that a variable's rule allows as a number."""
    rule = conditions(found, name)
    bounds = (re.search(rf"var\.{name} {mark} (\d+)(?! *\w)", rule) for mark in (">=", "<="))
    return tuple(bound and int(bound[1]) for bound in bounds)


def refusals(found):
    """Terraform's tests break every rule of a variable, and expect that it is told by name."""
    broken = set()
    tests = read(found.folder / "tests/variables.tftest.hcl")
    for run in (one for block in tests["run"] for one in block.values()):
        expected = {text[len("${var.") : -1] for text in run["expect_failures"]}
        for name in sorted(expected - run["variables"][0].keys()):
            yield f"variable {name} is expected to be refused, and is not given"
        broken |= expected
    checked = {name for name, block in found.variables.items() if "validation" in block}
    for name in sorted(checked ^ broken):
        yield f"variable {name}: no test of Terraform's shows that it refuses something"


def versions(found):
    (needed,) = (one for one in found.settings["terraform"] if "required_providers" in one)
    google = {"source": "hashicorp/google", "version": ">= 6.40, < 9.0"}
    if needed["required_providers"] != [{"google": google}]:
        yield f"providers: {needed['required_providers']}"


RULES = (
    *(
        inventory,
        shapes,
        services,
        buckets,
        restored,
        kept,
        order,
        grants,
        people,
        builds,
        sizes,
        settings,
    ),
    *(
        heartbeat,
        times,
        noticed,
        bounds,
        alerts,
        dashboard,
        limited,
        limited_by_default,
        variables,
        checks,
        refusals,
        versions,
    ),
)
