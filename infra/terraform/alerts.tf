# What must not go unnoticed: the heartbeat stopped, somebody got a 5xx, an object cannot be read, a
# task of our key belongs to no job, a clock is off. All are counted from log lines; the events'
# names are those of lib/logs.py.

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

resource "google_monitoring_alert_policy" "unreadable_object" {
  project               = var.project
  display_name          = "${var.name}: an object cannot be read"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  conditions {
    display_name = "object.unreadable in the log"

    condition_threshold {
      filter          = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.unreadable_objects.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "The log's `object.unreadable` names the object and why. It is left as it is, and every other job goes on. After a rollback it is a newer revision's: deploy that again, or wait. A placeholder of the console (a name that ends with a slash) or a file that somebody put there: remove it. Anything else: look at the object's metadata and body before touching it, since a job whose record is spoilt may have a task that is paid for."
  }
}

resource "google_monitoring_alert_policy" "late_task" {
  project               = var.project
  display_name          = "${var.name}: a task that no job claims"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  conditions {
    display_name = "upstream.late_task in the log"

    condition_threshold {
      filter          = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.late_tasks.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "The upstream lists a task that our API key made and that no job claims: either another program uses the key (give it one of its own), or a request reached the upstream later than the protocol allows, and one job may have been paid twice. The log's `upstream.late_task` names the task: compare it with the jobs of that minute, and tell the owner what was billed."
  }
}

resource "google_monitoring_alert_policy" "clock_off" {
  project               = var.project
  display_name          = "${var.name}: a clock is off"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  conditions {
    display_name = "clock.off in the log"

    condition_threshold {
      filter          = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.clocks_off.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "The log's `clock.off` says whose clock (the upstream's, the bucket's or an instance's) differs from ours, and by how much. While it does, nothing is sent and nothing that is in doubt is concluded; jobs wait and say so. It ends by itself when the clocks agree again. If it stays: look at the status pages of both clouds, then deploy again, which starts new instances."
  }
}
