# Two things that must not go unnoticed: the heartbeat stopped, or somebody got a 5xx. Both are
# counted from log lines; the events' names are those of lib/logs.py.

locals {
  of_api  = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${local.api_name}\""
  of_poll = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${local.poll_name}\""
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

resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.alert_emails)

  project      = var.project
  display_name = "${var.name}: ${each.value}"
  type         = "email"
  labels       = { email_address = each.value }

  depends_on = [google_project_service.needed]
}

resource "google_monitoring_alert_policy" "no_tick" {
  project               = var.project
  display_name          = "${var.name}: no successful tick in 5 minutes"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  conditions {
    display_name = "no tick.done in the log for 5 minutes"

    # Armed by the first tick: an absence is seen only where something was present before.
    condition_absent {
      filter   = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.ticks.name}\""
      duration = "300s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Jobs are accepted but none moves. Look at the log of `${local.poll_name}` for `tick.crashed` and at the job `${var.name}-tick` in Cloud Scheduler. Nothing is lost: the next tick goes on from what the bucket says."
  }
}

resource "google_monitoring_alert_policy" "server_errors" {
  project               = var.project
  display_name          = "${var.name}: answers with 5xx"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  conditions {
    display_name = "more than ${var.alert_5xx_above} in 5 minutes"

    condition_threshold {
      filter          = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.server_errors.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.alert_5xx_above
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.label.service_name"]
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Look for `request.crashed` and `tick.crashed` in the log; `x-request-id` of the answer is `request_id` there."
  }
}
