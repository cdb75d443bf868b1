"""Mistakes that somebody could make in infra/terraform: each must be found by the rules of ours.

Many are found by Terraform as well: by the provider's schema, or by our tests with the mocked
provider, whose sentence then stands beside the mistake.
"""

from dataclasses import dataclass

SHAPE = "the schema"


@dataclass(frozen=True)
class Fault:
    """One mistake: in which file, what is written instead of what, and what Terraform says.

    An empty `before` adds to the end of the file. `alone` stops Terraform's tests so early that no
    other mistake can be looked for beside it.
    """

    file: str
    before: str
    after: str
    says: str = ""
    alone: bool = False


FAULTS = {
    # Attributes, blocks, types, references: Terraform's schema refuses them.
    "attribute": Fault(
        "bucket.tf", "public_access_prevention   ", "public_access_prevent      ", SHAPE
    ),
    "attribute-deep": Fault(
        "functions.tf", '    entry_point     = "poll"', '    entrypoint      = "poll"', SHAPE
    ),
    "attribute-of-an-older-generation": Fault(
        "functions.tf", "available_memory  ", "available_memory_mb", SHAPE
    ),
    "block": Fault(
        "bucket.tf",
        "  soft_delete_policy {\n    retention_duration_seconds = 0",
        "  soft_delete {\n    retention_duration_seconds = 0",
        SHAPE,
    ),
    "block-as-attribute": Fault("scheduler.tf", "    oidc_token {", "    oidc_token = {", SHAPE),
    "attribute-as-block": Fault(
        "functions.tf", "  poll_environment = {", "  poll_environment {", SHAPE
    ),
    "type": Fault("scheduler.tf", "retry_count = 0", 'retry_count = "none"', SHAPE),
    "type-of-a-flag": Fault(
        "bucket.tf",
        "uniform_bucket_level_access = true",
        'uniform_bucket_level_access = "always"',
        SHAPE,
    ),
    "reference-to-a-resource": Fault(
        "bucket.tf",
        "bucket = google_storage_bucket.films.name",
        "bucket = google_storage_bucket.movies.name",
        SHAPE,
    ),
    "reference-to-an-attribute": Fault(
        "scheduler.tf",
        "google_cloudfunctions2_function.poll.url\n",
        "google_cloudfunctions2_function.poll.address\n",
        SHAPE,
    ),
    "reference-to-a-variable": Fault(
        "scheduler.tf", "paused      = var.paused", "paused      = var.pause", SHAPE
    ),
    "reference-to-a-local": Fault(
        "functions.tf", '"${local.poll_url} ${', '"${local.poll_uri} ${', SHAPE
    ),
    "reference-to-itself": Fault(
        "functions.tf",
        '"${local.poll_url} ${',
        '"${google_cloudfunctions2_function.poll.url} ${',
        SHAPE,
    ),
    "unknown-resource": Fault(
        "bucket.tf", "", 'resource "google_storage_bukket" "more" {\n  name = "more"\n}\n', SHAPE
    ),
    "a-name-twice": Fault(
        "bucket.tf",
        "",
        'resource "google_storage_bucket" "films" {\n  name     = "more"\n  location = var.region\n}\n',
        SHAPE,
    ),
    "argument-missing": Fault(
        "scheduler.tf", "    uri         = google_cloudfunctions2_function.poll.url\n", "", SHAPE
    ),
    "syntax": Fault(
        "bucket.tf",
        'resource "google_storage_bucket" "films" {',
        'resource "google_storage_bucket" "films" [',
        SHAPE,
    ),
    # Who may do what.
    "open-invoker-of-poll": Fault(
        "functions.tf",
        '  member   = google_service_account.identity["scheduler"].member',
        '  member   = "allUsers"',
        "Somebody else than the scheduler may call poll.",
    ),
    "one-more-open-invoker": Fault(
        "functions.tf",
        "",
        'resource "google_cloud_run_v2_service_iam_member" "more" {\n  project  = var.project\n  location = var.region\n  name     = google_cloudfunctions2_function.poll.name\n  role     = "roles/run.invoker"\n  member   = "allAuthenticatedUsers"\n}\n',
    ),
    "role-that-is-none": Fault(
        "bucket.tf",
        "roles/storage.objectUser",
        "roles/storage.objectUsers",
        "A function may do more than use the objects of the films' bucket.",
    ),
    "role-too-wide": Fault(
        "bucket.tf",
        "roles/storage.objectUser",
        "roles/storage.admin",
        "A function may do more than use the objects of the films' bucket.",
    ),
    "role-on-the-project": Fault(
        "identities.tf",
        "",
        'resource "google_project_iam_member" "more" {\n  project = var.project\n  role    = "roles/storage.objectUser"\n  member  = google_service_account.identity["api"].member\n}\n',
    ),
    "policy-instead-of-member": Fault(
        "bucket.tf",
        "",
        'resource "google_storage_bucket_iam_policy" "more" {\n  bucket      = google_storage_bucket.films.name\n  policy_data = "{}"\n}\n',
        SHAPE,
    ),
    "signs-as-somebody-else": Fault(
        "identities.tf",
        "  service_account_id = google_service_account.identity[each.key].name",
        '  service_account_id = google_service_account.identity["build"].name',
        "A function may sign as somebody else.",
    ),
    "build-sees-the-films": Fault(
        "identities.tf",
        "buckets/gcf-v2-",
        "buckets/",
        "The build sees more buckets than those of sources.",
    ),
    "owners-keys-for-poll": Fault(
        "secrets.tf",
        'read = ["api"]',
        'read = ["api", "poll"]',
        "The readers of the secrets are not those that need them.",
    ),
    "one-identity-for-both": Fault(
        "functions.tf",
        'identity["poll"].email',
        'identity["api"].email',
        "poll runs as somebody else.",
    ),
    "builds-as-the-service": Fault(
        "functions.tf",
        'identity["build"].id',
        'identity["api"].id',
        "A build runs as an identity that may do more.",
    ),
    # What is kept and what is open.
    "public-bucket": Fault(
        "bucket.tf",
        'public_access_prevention    = "enforced"',
        'public_access_prevention    = "inherited"',
        "A bucket could be made public.",
    ),
    "access-lists": Fault(
        "bucket.tf",
        "uniform_bucket_level_access = true",
        "uniform_bucket_level_access = false",
        "An object could have an access list of its own.",
    ),
    "nothing-can-be-restored": Fault(
        "bucket.tf",
        "retention_duration_seconds = var.soft_delete_days * 86400",
        "retention_duration_seconds = 0",
        "A wrong command would delete films for good",
    ),
    "old-zips-are-kept": Fault(
        "bucket.tf",
        "retention_duration_seconds = 0",
        "retention_duration_seconds = 604800",
    ),
    "the-bucket-can-be-destroyed": Fault(
        "bucket.tf", "prevent_destroy = true", "prevent_destroy = false"
    ),
    "secrets-can-be-destroyed": Fault(
        "secrets.tf", "prevent_destroy = true", "prevent_destroy = false"
    ),
    "another-region-asks-for-another-bucket": Fault(
        "bucket.tf", "    ignore_changes  = [location]\n", ""
    ),
    "nobody-is-told-that-the-bucket-stays": Fault(
        "bucket.tf",
        "upper(google_storage_bucket.films.location) == upper(local.bucket_location)",
        "google_storage_bucket.films.location != null",
    ),
    "a-bucket-that-exists-is-not-taken-over": Fault(
        "bucket.tf", "var.bucket_exists ? toset([local.bucket]) : toset([])", "toset([])"
    ),
    "films-go-with-the-project": Fault(
        "bucket.tf",
        "force_destroy               = false",
        "force_destroy               = true",
        "terraform destroy would delete the films.",
    ),
    "films-are-swept": Fault(
        "bucket.tf",
        '"videos/"  = var.videos_days',
        '"videos/"  = 30',
        "Something else than claims/, keys/, outbox/, frames/ and uploads/ is swept.",
    ),
    "jobs-are-swept-by-default": Fault(
        "variables.tf",
        '  description = "Days after which finished jobs go; null keeps them"\n  type        = number\n  default     = null',
        '  description = "Days after which finished jobs go; null keeps them"\n  type        = number\n  default     = 30',
        "Something else than claims/, keys/, outbox/, frames/ and uploads/ is swept.",
    ),
    "everything-is-swept": Fault(
        "bucket.tf",
        "        matches_prefix = [lifecycle_rule.key]\n",
        "",
    ),
    "state-is-swept": Fault(
        "bucket.tf",
        '    "uploads/" = 3',
        '    "pending/" = 3',
        "Something else than claims/, keys/, outbox/, frames/ and uploads/ is swept.",
    ),
    "every-origin": Fault(
        "bucket.tf",
        "length(var.allowed_origins) > 0 ? [var.allowed_origins] : []",
        '[["*"]]',
        "Some origin may read the bucket though none was named.",
    ),
    "secret-in-the-state": Fault(
        "secrets.tf",
        "",
        'resource "google_secret_manager_secret_version" "more" {\n  secret      = google_secret_manager_secret.secret["upstream"].id\n  secret_data = "sk-1"\n}\n',
    ),
    "secret-as-a-variable": Fault(
        "variables.tf",
        "",
        'variable "dashscope_api_key" {\n  description = "The key"\n  type        = string\n  default     = ""\n}\n',
    ),
    # How it runs.
    "cron": Fault("scheduler.tf", '"* * * * *"', '"*/5 * * * *"', "Not one tick a minute."),
    "cron-of-six-fields": Fault(
        "scheduler.tf", '"* * * * *"', '"0 * * * * *"', "Not one tick a minute."
    ),
    "retries": Fault(
        "scheduler.tf", "retry_count = 0", "retry_count = 3", "Not one tick a minute."
    ),
    "deadline-below-the-timeout": Fault(
        "scheduler.tf",
        "${var.poll_timeout_s + 30}s",
        "${var.poll_timeout_s - 30}s",
        "The scheduler gives up before poll does.",
    ),
    "audience": Fault(
        "scheduler.tf",
        'audience              = var.tick_audience == "run" ? local.poll_run_url : local.poll_url',
        'audience              = "inbetween"',
        "poll expects another audience than the scheduler names.",
    ),
    "address": Fault(
        "functions.tf",
        ".cloudfunctions.net/${local.poll_name}",
        ".a.run.app/${local.poll_name}",
        "The address of poll is not the audience that it was told",
        alone=True,
    ),
    "runtime": Fault(
        "variables.tf",
        'default     = "python313"',
        'default     = "python39"',
        "runtime must be",
        alone=True,
    ),
    "runtime-past-its-rule": Fault(
        "functions.tf", "runtime         = var.runtime", 'runtime         = "python999"'
    ),
    "target": Fault(
        "functions.tf",
        'entry_point     = "poll"',
        'entry_point     = "api"',
        "A function serves the other one's target.",
    ),
    "threads": Fault(
        "functions.tf",
        "THREADS           = tostring(var.api_concurrency)",
        'THREADS           = "4"',
        "More requests are sent to an instance than it has threads, or fewer.",
    ),
    "half-a-cpu": Fault(
        "functions.tf",
        'available_cpu                    = "1"',
        'available_cpu                    = "0.5"',
        "A function has another size than one CPU and 512 MiB.",
    ),
    "timeout-inside-a-lease": Fault("variables.tf", "  default     = 90\n", "  default     = 60\n"),
    "timeout-inside-a-copy": Fault(
        "variables.tf", "  default     = 720\n", "  default     = 180\n"
    ),
    "misspelt-setting": Fault(
        "functions.tf", "    SIGNED_URL_TTL_S     = ", "    SIGNED_URL_TTL       = "
    ),
    "setting-out-of-bounds": Fault("functions.tf", "tostring(var.signed_url_ttl_s)", '"86400"'),
    "emulators-setting": Fault(
        "functions.tf",
        "    FRAME_DELIVERY       = var.frame_delivery",
        '    AUTH                 = "off"',
    ),
    "zip-without-its-hash": Fault(
        "bucket.tf",
        "-${filesha256(var.source_zip)}.zip",
        "-source.zip",
        "The zip's name does not say what is in it.",
    ),
    "provider-range": Fault("versions.tf", ">= 6.40, < 9.0", ">= 5.0"),
    "service-missing": Fault(
        "services.tf",
        '    "iamcredentials.googleapis.com", # signBlob: links are signed without a key file\n',
        "",
    ),
    # What is watched.
    "alert-on-an-unknown-event": Fault(
        "metrics.tf", 'jsonPayload.event=\\"tick.done\\"', 'jsonPayload.event=\\"tick.finished\\"'
    ),
    "alert-on-the-other-function": Fault(
        "metrics.tf", "${local.of_poll} AND", "${local.of_api} AND"
    ),
    "alert-after-an-hour": Fault(
        "alerts.tf",
        'duration                  = "300s"',
        'duration                  = "3600s"',
    ),
    "alert-on-the-wrong-metric": Fault(
        "alerts.tf",
        "user/${google_logging_metric.server_errors.name}",
        "user/${google_logging_metric.ticks.name}",
    ),
    "variable-takes-anything": Fault(
        "variables.tf",
        'condition     = contains(["singapore", "beijing"], var.dashscope_region)',
        "condition     = true",
        "var.dashscope_region",
        alone=True,
    ),
    # A first deployment comes to its end.
    "a-build-before-its-grants": Fault(
        "functions.tf", "    google_project_iam_member.build_sources,\n", ""
    ),
    "links-before-their-role": Fault(
        "functions.tf", "    google_service_account_iam_member.signs_as_itself,\n", ""
    ),
    "ticks-before-their-grant": Fault(
        "scheduler.tf", "    google_cloud_run_v2_service_iam_member.scheduler_calls_poll,\n", ""
    ),
    "an-alert-before-its-metric-is-known": Fault(
        "alerts.tf", "  depends_on = [google_cloud_scheduler_job.tick]\n", ""
    ),
    "a-dashboard-before-its-metrics-are-known": Fault(
        "dashboard.tf", "    google_cloud_scheduler_job.tick,\n", ""
    ),
    "a-metric-without-points-is-refused": Fault(
        "alerts.tf", "disable_metric_validation = true", "disable_metric_validation = false"
    ),
    "secrets-in-no-named-region": Fault(
        "secrets.tf",
        "length(var.secret_locations) == 0 ? [] : [var.secret_locations]",
        "[]",
        "A secret is kept elsewhere than asked.",
    ),
    "the-newest-runtime-is-refused": Fault("variables.tf", ', "python314"', ""),
    "another-revision-takes-all-at-once": Fault("functions.tf", "var.api_takes_traffic", "true"),
    # Addresses.
    "the-address-of-the-other-service": Fault(
        "outputs.tf",
        "? google_cloudfunctions2_function.api.service_config[0].uri :",
        "? google_cloudfunctions2_function.api.url :",
    ),
    "the-public-address-is-not-handed-on": Fault(
        "functions.tf",
        '    PUBLIC_URL           = var.public_url == null ? "" : var.public_url\n',
        "",
        "The public address does not reach the functions",
    ),
    # No tick dies in silence.
    "silent-if-nothing-ever-ticked": Fault(
        "alerts.tf",
        " or vector(0)",
        "",
        "or is silent where nothing ever ticked.",
    ),
    "one-address-alone-may-be-named": Fault(
        "functions.tf",
        '"${local.poll_url} ${local.poll_run_url}"',
        '"${local.poll_url}"',
        "poll does not take a token for its address of Cloud Run.",
        alone=True,
    ),
    "another-number-in-the-address": Fault(
        "functions.tf", "source.project_number}", "films.project_number}"
    ),
    "refusals-go-unseen": Fault("metrics.tf", "severity>=ERROR", "severity>=EMERGENCY"),
    "refusals-are-told-late": Fault(
        "alerts.tf", "threshold_value = 2\n", "threshold_value = 200\n"
    ),
    "the-backlog-goes-unseen": Fault("metrics.tf", "jsonPayload.oldest_s>", "jsonPayload.seconds>"),
    "lost-outcomes-go-unseen": Fault(
        "metrics.tf", 'event=\\"submit.unknown\\"', 'event=\\"submit.unsure\\"'
    ),
    "spending-goes-unseen": Fault(
        "alerts.tf", "threshold_value = var.alert_jobs_per_day", "threshold_value = 1000000"
    ),
    "spending-is-counted-by-the-minute": Fault(
        "alerts.tf", 'alignment_period     = "86400s"', 'alignment_period     = "60s"'
    ),
    "a-picture-of-nothing": Fault(
        "dashboard.json.tftpl",
        "${counted}/oldest_job",
        "${counted}/age",
        "The dashboard draws what nobody counts",
    ),
    "no-json": Fault("dashboard.json.tftpl", '"columns": 48,', '"columns": 48'),
    "another-age": Fault("metrics.tf", "EXTRACT(jsonPayload.oldest_s)", "EXTRACT(jsonPayload.age)"),
    # What may be spent.
    "limits-are-numbers-only": Fault(
        "variables.tf", "  type        = any\n", "  type        = map(map(number))\n"
    ),
    "no-limit-by-default": Fault(
        "variables.tf",
        '  default     = { "*" = { jobs_per_day = 100, jobs_running = 10, uploads_per_day = 400 } }',
        "  default     = {}",
    ),
    "a-limit-nobody-looks-at": Fault(
        "variables.tf",
        '          spend_per_day   = "^(null|',
        '          spend_a_day     = "^(null|',
    ),
    "limits-are-not-said": Fault(
        "outputs.tf", "${jsonencode(var.owner_limits)}; what", "As configured; what"
    ),
    "a-budget-of-everything": Fault("outputs.tf", " --filter-projects=projects/${var.project}", ""),
}
