# What is counted, from log lines: the events' names are those of lib/logs.py. Alerts and the dashboard
# look at nothing else, so that whoever reads the log sees what they saw.

locals {
  of_api  = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${local.api_name}\""
  of_poll = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${local.poll_name}\""
  of_tick = "resource.type=\"cloud_scheduler_job\" AND resource.labels.job_id=\"${var.name}-tick\""
  of_both = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=(\"${local.api_name}\" OR \"${local.poll_name}\")"
}

resource "google_logging_metric" "ticks" {
  project     = var.project
  name        = "${var.name}/ticks"
  description = "Ticks that came to their end"
  filter      = "${local.of_poll} AND jsonPayload.event=\"tick.done\""

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }

  depends_on = [google_project_service.needed]
}

resource "google_logging_metric" "server_errors" {
  project     = var.project
  name        = "${var.name}/server_errors"
  description = "Answers with status 500 and above, of either function"
  filter      = "${local.of_both} AND log_id(\"run.googleapis.com/requests\") AND httpRequest.status>=500"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }

  depends_on = [google_project_service.needed]
}

resource "google_logging_metric" "unreadable_objects" {
  project     = var.project
  name        = "${var.name}/unreadable_objects"
  description = "Objects in the bucket that could not be read, at each tick and each read that met them"
  filter      = "${local.of_both} AND jsonPayload.event=\"object.unreadable\""

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }

  depends_on = [google_project_service.needed]
}

resource "google_logging_metric" "late_tasks" {
  project     = var.project
  name        = "${var.name}/late_tasks"
  description = "Upstream tasks of our key that no job claims"
  filter      = "${local.of_both} AND jsonPayload.event=\"upstream.late_task\""

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }

  depends_on = [google_project_service.needed]
}

resource "google_logging_metric" "clocks_off" {
  project     = var.project
  name        = "${var.name}/clocks_off"
  description = "Clocks of the upstream, the bucket or an instance that were further apart than the protocol allows"
  filter      = "${local.of_both} AND jsonPayload.event=\"clock.off\""

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }

  depends_on = [google_project_service.needed]
}

resource "google_logging_metric" "refused_ticks" {
  project     = var.project
  name        = "${var.name}/refused_ticks"
  description = "Calls of the scheduler that poll did not answer with success, whoever refused them"
  filter      = "${local.of_tick} AND severity>=ERROR"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }

  depends_on = [google_project_service.needed]
}

resource "google_logging_metric" "late_backlogs" {
  project     = var.project
  name        = "${var.name}/late_backlogs"
  description = "Ticks that left a job behind which has waited for too long"
  filter      = "${local.of_poll} AND jsonPayload.event=\"tick.done\" AND jsonPayload.oldest_s>${var.alert_backlog_s}"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }

  depends_on = [google_project_service.needed]
}

resource "google_logging_metric" "unknown_outcomes" {
  project     = var.project
  name        = "${var.name}/unknown_outcomes"
  description = "Jobs of which nobody knows whether they were paid for"
  filter      = "${local.of_both} AND jsonPayload.event=\"submit.unknown\""

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }

  depends_on = [google_project_service.needed]
}

resource "google_logging_metric" "jobs_created" {
  project     = var.project
  name        = "${var.name}/jobs_created"
  description = "Jobs that were accepted"
  filter      = "${local.of_both} AND jsonPayload.event=\"job.created\""

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }

  depends_on = [google_project_service.needed]
}

resource "google_logging_metric" "jobs_completed" {
  project     = var.project
  name        = "${var.name}/jobs_completed"
  description = "Jobs that have their film"
  filter      = "${local.of_both} AND jsonPayload.event=\"job.completed\""

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }

  depends_on = [google_project_service.needed]
}

# Not counted but measured: for the dashboard, where the age of the oldest job is drawn.
resource "google_logging_metric" "oldest_job" {
  project         = var.project
  name            = "${var.name}/oldest_job"
  description     = "For how many seconds the oldest job has not ended, at each tick's end"
  filter          = "${local.of_poll} AND jsonPayload.event=\"tick.done\""
  value_extractor = "EXTRACT(jsonPayload.oldest_s)"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "s"
  }

  depends_on = [google_project_service.needed]
}
