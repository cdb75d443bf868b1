# The two functions, from one zip. `api` is open to the web and knows its callers by their keys: a
# browser's preflight carries no identity, so IAM in front of it would refuse every web page. `poll`
# is open to the scheduler's identity alone.

locals {
  api_name  = "${var.name}-api"
  poll_name = "${var.name}-poll"

  # Both addresses of poll are known before the function exists, so that it can be told for whom a
  # token may be issued: the functions service's, and Cloud Run's own ("Cloud Run service URLs").
  poll_url     = "https://${var.region}-${var.project}.cloudfunctions.net/${local.poll_name}"
  poll_run_url = "https://${local.poll_name}-${google_storage_bucket.source.project_number}.${var.region}.run.app"

  # Empty values stand for "not set" in lib/config; they are left out.
  environment = { for name, value in {
    BUCKET               = google_storage_bucket.films.name
    GOOGLE_CLOUD_PROJECT = var.project # links log lines to traces
    DASHSCOPE_REGION     = var.several_accounts ? "" : var.dashscope_region
    FRAME_DELIVERY       = var.frame_delivery
    ALLOWED_ORIGINS      = join(" ", var.allowed_origins)
    SIGNED_URL_TTL_S     = tostring(var.signed_url_ttl_s)
    IMPLICIT_DEDUPE_S    = tostring(var.implicit_dedupe_s)
    FIRST_LOOK_S         = var.first_look_s == null ? "" : tostring(var.first_look_s)
    OWNER_LIMITS         = length(var.owner_limits) == 0 ? "" : jsonencode(var.owner_limits)
    PUBLIC_URL           = var.public_url == null ? "" : var.public_url

    # The storage client would ask for the bucket's settings in the background, which nobody here may.
    DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA = "true"

    # Large blocks go back to the system when they are freed: glibc (mallopt(3)) raises this bound by
    # itself otherwise, and the memory of pictures that are gone stays with the instance.
    MALLOC_MMAP_THRESHOLD_ = "262144"
  } : name => value if value != "" }

  api_environment = { for name, value in {
    ID_TOKEN_AUDIENCE = join(" ", var.id_token_audience)
    ID_TOKEN_OWNERS   = length(var.id_token_owners) == 0 ? "" : jsonencode(var.id_token_owners)
    THREADS           = tostring(var.api_concurrency)
  } : name => value if value != "" }

  poll_environment = {
    POLL_AUDIENCE = "${local.poll_url} ${local.poll_run_url}"
    POLL_INVOKER  = google_service_account.identity["scheduler"].email
    TICK_BUDGET_S = tostring(var.tick_budget_s)
    THREADS       = tostring(local.poll_concurrency)

    # Cloud Run strikes the signature out of a token that it has checked itself; right as long as
    # the scheduler is the only invoker, below.
    POLL_BEHIND_IAM = "on"
  }

  # A tick, and the next one in case it starts before the first has ended.
  poll_concurrency = 2
}

resource "google_cloudfunctions2_function" "api" {
  project     = var.project
  name        = local.api_name
  location    = var.region
  description = "Inbetween: what frontends call"

  build_config {
    runtime         = var.runtime
    entry_point     = "api"
    service_account = google_service_account.identity["build"].id

    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.source.name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.identity["api"].email
    available_cpu                    = "1"
    available_memory                 = "512Mi"
    timeout_seconds                  = var.api_timeout_s
    max_instance_request_concurrency = var.api_concurrency
    min_instance_count               = var.api_min_instances
    max_instance_count               = var.api_max_instances
    ingress_settings                 = "ALLOW_ALL"
    all_traffic_on_latest_revision   = var.api_takes_traffic
    environment_variables            = merge(local.environment, local.api_environment)

    secret_environment_variables {
      key        = local.upstream_variable
      project_id = var.project
      secret     = google_secret_manager_secret.secret["upstream"].secret_id
      version    = var.upstream_secret_version
    }
    secret_environment_variables {
      key        = "OWNER_KEYS"
      project_id = var.project
      secret     = google_secret_manager_secret.secret["owner-keys"].secret_id
      version    = var.owner_keys_secret_version
    }
    # A secret without a version would keep the function from starting: it is given once it has one.
    dynamic "secret_environment_variables" {
      for_each = var.webhook_secret_version == null ? [] : [var.webhook_secret_version]

      content {
        key        = "WEBHOOK_SECRETS"
        project_id = var.project
        secret     = google_secret_manager_secret.secret["webhook"].secret_id
        version    = secret_environment_variables.value
      }
    }
  }

  # Every grant comes before the build, whose minutes they need to be known everywhere ("Access change
  # propagation": two minutes as a rule); infra/dev deploy waits where that was not enough.
  depends_on = [
    google_project_iam_member.build,
    google_project_iam_member.build_sources,
    google_project_service.needed,
    google_secret_manager_secret_iam_member.reads,
    google_service_account_iam_member.signs_as_itself,
    google_storage_bucket_iam_member.build_reads_source,
    google_storage_bucket_iam_member.functions_use_films,
  ]
}

resource "google_cloudfunctions2_function" "poll" {
  project     = var.project
  name        = local.poll_name
  location    = var.region
  description = "Inbetween: one tick, called by the scheduler"

  build_config {
    runtime         = var.runtime
    entry_point     = "poll"
    service_account = google_service_account.identity["build"].id

    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.source.name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.identity["poll"].email
    available_cpu                    = "1"
    available_memory                 = "512Mi"
    timeout_seconds                  = var.poll_timeout_s
    max_instance_request_concurrency = local.poll_concurrency
    min_instance_count               = 0
    max_instance_count               = 1
    ingress_settings                 = "ALLOW_ALL" # Cloud Scheduler calls over the public address; IAM lets nobody else through
    all_traffic_on_latest_revision   = true
    environment_variables            = merge(local.environment, local.poll_environment)

    secret_environment_variables {
      key        = local.upstream_variable
      project_id = var.project
      secret     = google_secret_manager_secret.secret["upstream"].secret_id
      version    = var.upstream_secret_version
    }
    # A secret without a version would keep the function from starting: it is given once it has one.
    dynamic "secret_environment_variables" {
      for_each = var.webhook_secret_version == null ? [] : [var.webhook_secret_version]

      content {
        key        = "WEBHOOK_SECRETS"
        project_id = var.project
        secret     = google_secret_manager_secret.secret["webhook"].secret_id
        version    = secret_environment_variables.value
      }
    }
  }

  # Every grant comes before the build, whose minutes they need to be known everywhere ("Access change
  # propagation": two minutes as a rule); infra/dev deploy waits where that was not enough.
  depends_on = [
    google_project_iam_member.build,
    google_project_iam_member.build_sources,
    google_project_service.needed,
    google_secret_manager_secret_iam_member.reads,
    google_service_account_iam_member.signs_as_itself,
    google_storage_bucket_iam_member.build_reads_source,
    google_storage_bucket_iam_member.functions_use_films,
  ]
}

# A function of the second generation is a Cloud Run service: who may call it stands there.
resource "google_cloud_run_v2_service_iam_member" "anybody_calls_api" {
  for_each = toset(var.api_invokers)

  project  = var.project
  location = var.region
  name     = google_cloudfunctions2_function.api.name
  role     = "roles/run.invoker"
  member   = each.value
}

resource "google_cloud_run_v2_service_iam_member" "scheduler_calls_poll" {
  project  = var.project
  location = var.region
  name     = google_cloudfunctions2_function.poll.name
  role     = "roles/run.invoker"
  member   = google_service_account.identity["scheduler"].member
}
