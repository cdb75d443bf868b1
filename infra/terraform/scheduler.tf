# The heartbeat: every minute, once, as the scheduler's identity. No retries: the next minute is one,
# and while Cloud Scheduler retries it may leave the next run out.

resource "google_cloud_scheduler_job" "tick" {
  project     = var.project
  region      = coalesce(var.scheduler_region, var.region)
  name        = "${var.name}-tick"
  description = "Inbetween: one tick a minute"
  schedule    = "* * * * *"
  time_zone   = "Etc/UTC"
  paused      = var.paused

  # Above the function's timeout: a tick that is cut must have been cut by the function.
  attempt_deadline = "${var.poll_timeout_s + 30}s"

  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = google_cloudfunctions2_function.poll.url

    oidc_token {
      service_account_email = google_service_account.identity["scheduler"].email
      audience              = var.tick_audience == "run" ? local.poll_run_url : local.poll_url
    }
  }

  lifecycle {
    precondition {
      condition     = google_cloudfunctions2_function.poll.url == local.poll_url
      error_message = "The address of poll is not the audience that it was told: every tick would be refused. Compare the function's `url` with local.poll_url in functions.tf."
    }
  }

  depends_on = [
    google_cloud_run_v2_service_iam_member.scheduler_calls_poll,
    google_project_service.needed,
  ]
}
