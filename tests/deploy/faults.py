"""Mistakes that somebody could make in infra/terraform: each must be found.

Every one is found by the rules of ours. `shape` marks those that Terraform itself must refuse when it
knows the provider's schema, `value` those that its tests with the mocked provider must refuse.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    file: str
    before: str
    after: str
    terraform: str = ""  # shape, value, or nothing that Terraform could see


def added(file, text, terraform=""):
    return Fault(file, "", text, terraform)


FAULTS = {
    # Attributes, blocks, types, references.
    "attribute": Fault(
        "bucket.tf", "public_access_prevention   ", "public_access_prevent      ", "shape"
    ),
    "attribute-deep": Fault(
        "functions.tf", '    entry_point     = "poll"', '    entrypoint      = "poll"', "shape"
    ),
    "attribute-of-an-older-generation": Fault(
        "functions.tf", "available_memory  ", "available_memory_mb", "shape"
    ),
    "block": Fault(
        "bucket.tf",
        "  soft_delete_policy {\n    retention_duration_seconds = 0",
        "  soft_delete {\n    retention_duration_seconds = 0",
        "shape",
    ),
    "block-as-attribute": Fault("scheduler.tf", "    oidc_token {", "    oidc_token = {", "shape"),
    "attribute-as-block": Fault(
        "functions.tf", "  poll_environment = {", "  poll_environment {", "shape"
    ),
    "type": Fault("scheduler.tf", "retry_count = 0", 'retry_count = "none"', "shape"),
    "type-of-a-flag": Fault(
        "bucket.tf",
        "uniform_bucket_level_access = true",
        'uniform_bucket_level_access = "always"',
        "shape",
    ),
    "reference-to-a-resource": Fault(
        "bucket.tf",
        "bucket = google_storage_bucket.films.name",
        "bucket = google_storage_bucket.movies.name",
        "shape",
    ),
    "reference-to-an-attribute": Fault(
        "scheduler.tf",
        "google_cloudfunctions2_function.poll.url\n",
        "google_cloudfunctions2_function.poll.address\n",
        "shape",
    ),
    "reference-to-a-variable": Fault(
        "scheduler.tf", "paused      = var.paused", "paused      = var.pause", "shape"
    ),
    "reference-to-a-local": Fault(
        "functions.tf", "POLL_AUDIENCE = local.poll_url", "POLL_AUDIENCE = local.poll_uri", "shape"
    ),
    "reference-to-itself": Fault(
        "functions.tf",
        "POLL_AUDIENCE = local.poll_url",
        "POLL_AUDIENCE = google_cloudfunctions2_function.poll.url",
        "shape",
    ),
    "unknown-resource": added(
        "bucket.tf", 'resource "google_storage_bukket" "more" {\n  name = "more"\n}\n', "shape"
    ),
    "a-name-twice": added(
        "bucket.tf",
        'resource "google_storage_bucket" "films" {\n  name     = "more"\n  location = var.region\n}\n',
        "shape",
    ),
    "argument-missing": Fault(
        "scheduler.tf", "    uri         = google_cloudfunctions2_function.poll.url\n", "", "shape"
    ),
    "syntax": Fault(
        "bucket.tf",
        'resource "google_storage_bucket" "films" {',
        'resource "google_storage_bucket" "films" [',
        "shape",
    ),
    # Who may do what.
    "open-invoker-of-poll": Fault(
        "functions.tf",
        '  member   = google_service_account.identity["scheduler"].member',
        '  member   = "allUsers"',
        "value",
    ),
    "one-more-open-invoker": added(
        "functions.tf",
        'resource "google_cloud_run_v2_service_iam_member" "more" {\n  project  = var.project\n  location = var.region\n  name     = google_cloudfunctions2_function.poll.name\n  role     = "roles/run.invoker"\n  member   = "allAuthenticatedUsers"\n}\n',
    ),
    "role-that-is-none": Fault(
        "bucket.tf", "roles/storage.objectUser", "roles/storage.objectUsers", "value"
    ),
    "role-too-wide": Fault("bucket.tf", "roles/storage.objectUser", "roles/storage.admin", "value"),
    "role-on-the-project": added(
        "identities.tf",
        'resource "google_project_iam_member" "more" {\n  project = var.project\n  role    = "roles/storage.objectUser"\n  member  = google_service_account.identity["api"].member\n}\n',
    ),
    "policy-instead-of-member": added(
        "bucket.tf",
        'resource "google_storage_bucket_iam_policy" "more" {\n  bucket      = google_storage_bucket.films.name\n  policy_data = "{}"\n}\n',
        "shape",
    ),
    "signs-as-somebody-else": Fault(
        "identities.tf",
        "  service_account_id = google_service_account.identity[each.key].name",
        '  service_account_id = google_service_account.identity["build"].name',
        "value",
    ),
    "build-sees-the-films": Fault("identities.tf", "buckets/gcf-v2-", "buckets/", "value"),
    "owners-keys-for-poll": Fault(
        "secrets.tf", 'read = ["api"]', 'read = ["api", "poll"]', "value"
    ),
    "one-identity-for-both": Fault(
        "functions.tf", 'identity["poll"].email', 'identity["api"].email', "value"
    ),
    "builds-as-the-service": Fault(
        "functions.tf", 'identity["build"].id', 'identity["api"].id', "value"
    ),
    # What is kept and what is open.
    "public-bucket": Fault(
        "bucket.tf",
        'public_access_prevention    = "enforced"',
        'public_access_prevention    = "inherited"',
        "value",
    ),
    "access-lists": Fault(
        "bucket.tf",
        "uniform_bucket_level_access = true",
        "uniform_bucket_level_access = false",
        "value",
    ),
    "soft-delete": Fault(
        "bucket.tf",
        "retention_duration_seconds = 0",
        "retention_duration_seconds = 604800",
        "value",
    ),
    "films-go-with-the-project": Fault(
        "bucket.tf",
        "force_destroy               = false",
        "force_destroy               = true",
        "value",
    ),
    "films-are-swept": Fault(
        "bucket.tf", '"videos/"  = var.videos_days', '"videos/"  = 30', "value"
    ),
    "jobs-are-swept-by-default": Fault(
        "variables.tf",
        '  description = "Days after which finished jobs go; null keeps them"\n  type        = number\n  default     = null',
        '  description = "Days after which finished jobs go; null keeps them"\n  type        = number\n  default     = 30',
        "value",
    ),
    "everything-is-swept": Fault(
        "bucket.tf", "        matches_prefix = [lifecycle_rule.key]\n", "", "value"
    ),
    "state-is-swept": Fault("bucket.tf", '    "uploads/" = 3', '    "pending/" = 3', "value"),
    "every-origin": Fault(
        "bucket.tf",
        "length(var.allowed_origins) > 0 ? [var.allowed_origins] : []",
        '[["*"]]',
        "value",
    ),
    "secret-in-the-state": added(
        "secrets.tf",
        'resource "google_secret_manager_secret_version" "more" {\n  secret      = google_secret_manager_secret.secret["upstream"].id\n  secret_data = "sk-1"\n}\n',
    ),
    "secret-as-a-variable": added(
        "variables.tf",
        'variable "dashscope_api_key" {\n  description = "The key"\n  type        = string\n  default     = ""\n}\n',
    ),
    # How it runs.
    "cron": Fault("scheduler.tf", '"* * * * *"', '"*/5 * * * *"', "value"),
    "cron-of-six-fields": Fault("scheduler.tf", '"* * * * *"', '"0 * * * * *"', "value"),
    "retries": Fault("scheduler.tf", "retry_count = 0", "retry_count = 3", "value"),
    "deadline-below-the-timeout": Fault(
        "scheduler.tf", "${var.poll_timeout_s + 30}s", "${var.poll_timeout_s - 30}s", "value"
    ),
    "audience": Fault(
        "scheduler.tf",
        "audience              = local.poll_url",
        'audience              = "inbetween"',
        "value",
    ),
    "address": Fault(
        "functions.tf",
        ".cloudfunctions.net/${local.poll_name}",
        ".a.run.app/${local.poll_name}",
        "value",
    ),
    "runtime": Fault(
        "variables.tf", 'default     = "python313"', 'default     = "python39"', "value"
    ),
    "runtime-past-its-rule": Fault(
        "functions.tf", "runtime         = var.runtime", 'runtime         = "python999"'
    ),
    "target": Fault("functions.tf", 'entry_point     = "poll"', 'entry_point     = "api"', "value"),
    "threads": Fault(
        "functions.tf",
        "THREADS           = tostring(var.api_concurrency)",
        'THREADS           = "4"',
        "value",
    ),
    "half-a-cpu": Fault(
        "functions.tf",
        'available_cpu                    = "1"',
        'available_cpu                    = "0.5"',
        "value",
    ),
    "timeout-inside-a-lease": Fault(
        "variables.tf", "  default     = 90\n", "  default     = 60\n", "value"
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
        "bucket.tf", "-${filesha256(var.source_zip)}.zip", "-source.zip", "value"
    ),
    "provider-range": Fault("versions.tf", ">= 6.40, < 9.0", ">= 5.0"),
    "service-missing": Fault(
        "services.tf",
        '    "iamcredentials.googleapis.com", # signBlob: links are signed without a key file\n',
        "",
    ),
    # What is watched.
    "alert-on-an-unknown-event": Fault(
        "alerts.tf", 'jsonPayload.event=\\"tick.done\\"', 'jsonPayload.event=\\"tick.finished\\"'
    ),
    "alert-on-the-other-function": Fault(
        "alerts.tf", "${local.of_poll} AND", "${local.of_api} AND"
    ),
    "alert-after-an-hour": Fault("alerts.tf", 'duration = "300s"', 'duration = "3600s"', "value"),
    "alert-on-the-wrong-metric": Fault(
        "alerts.tf",
        "user/${google_logging_metric.server_errors.name}",
        "user/${google_logging_metric.ticks.name}",
        "value",
    ),
    "variable-takes-anything": Fault(
        "variables.tf",
        'condition     = contains(["singapore", "beijing"], var.dashscope_region)',
        "condition     = true",
        "value",
    ),
}
