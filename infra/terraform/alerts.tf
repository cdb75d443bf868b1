# What must not go unnoticed: no tick comes to its end, ticks are refused, jobs wait for too long,
# somebody got a 5xx, an object cannot be read, nobody knows whether a job was paid for, a task of our
# key belongs to no job, a clock is off, a day's jobs are more than usual. All look at metrics.tf.
#
# Google takes an alert on a new metric only once it knows the metric everywhere, within ten minutes
# ("Cannot find metric(s)", hashicorp/terraform-provider-google issue 11102). So all of them come last,
# after the build of the functions, and infra/dev deploy waits and applies once more if it must.

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
  display_name          = "${var.name}: no successful tick for 15 minutes"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  conditions {
    display_name = "no tick.done in the log for 10 minutes, seen for 5 minutes"

    # From zero: a condition on absence is met only after the first point ("Create metric-absence
    # alerting policies"), so a service that never ticked would be silent for ever. Here nothing at all
    # counts as 0. The name is the metric's own as PromQL writes it ("Mapping Cloud Monitoring metrics
    # to PromQL"); a name that is wrong would alert at once, and not never. A tick that copies a slow
    # film takes 690 s at most, and the scheduler calls no second one meanwhile: that is no silence.
    condition_prometheus_query_language {
      query                     = "(sum(increase(logging_googleapis_com:user_${replace(google_logging_metric.ticks.name, "/[^a-zA-Z0-9]/", "_")}{monitored_resource=\"cloud_run_revision\"}[10m])) or vector(0)) < 0.5"
      duration                  = "300s"
      evaluation_interval       = "60s"
      disable_metric_validation = true
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Jobs are accepted but none moves. Look at the log of `${local.poll_name}` for `tick.crashed`, and at the job `${var.name}-tick` in Cloud Scheduler: is it there, is it paused, what was it answered? 401 or 403 means that its token is refused: deploy with `tick_audience=run`. Nothing is lost: the next tick goes on from what the bucket says."
  }

  depends_on = [google_cloud_scheduler_job.tick]
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

  depends_on = [google_cloud_scheduler_job.tick]
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

  depends_on = [google_cloud_scheduler_job.tick]
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

  depends_on = [google_cloud_scheduler_job.tick]
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

  depends_on = [google_cloud_scheduler_job.tick]
}

resource "google_monitoring_alert_policy" "refused_ticks" {
  project               = var.project
  display_name          = "${var.name}: ticks are refused"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  conditions {
    display_name = "three calls of the scheduler without success in 5 minutes"

    condition_threshold {
      filter          = "resource.type=\"cloud_scheduler_job\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.refused_ticks.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 2
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
    content   = "The scheduler calls and poll does not answer with success. The log of the job `${var.name}-tick` says with what. 401 or 403 before the function is reached: its token is refused; deploy with `tick_audience=run`, and look who has `run.invoker` on `${local.poll_name}`. 401 by the function: `POLL_AUDIENCE` or `POLL_INVOKER` is another. 500: look for `tick.crashed`. 503: `request.failed` says what is missing. 504: a tick took longer than `poll_timeout_s`. Jobs wait meanwhile, nothing is lost."
  }

  depends_on = [google_cloud_scheduler_job.tick]
}

resource "google_monitoring_alert_policy" "backlog" {
  project               = var.project
  display_name          = "${var.name}: a job waits for too long"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  conditions {
    display_name = "a job older than ${var.alert_backlog_s} s at a tick's end"

    condition_threshold {
      filter          = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.late_backlogs.name}\""
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
    content   = "The oldest job that has not ended is older than `alert_backlog_s`. Look at `tick.account_waits`, `tick.list_failed` and `submit.waits` in the log of `${local.poll_name}`: the upstream may be slow, in arrears or out of places. Many jobs at once need time: two run at a time, each some minutes."
  }

  depends_on = [google_cloud_scheduler_job.tick]
}

resource "google_monitoring_alert_policy" "unknown_outcome" {
  project               = var.project
  display_name          = "${var.name}: nobody knows whether a job was paid for"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  conditions {
    display_name = "submit.unknown in the log"

    condition_threshold {
      filter          = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.unknown_outcomes.name}\""
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
    content   = "A request was sent upstream, its answer was lost, and no task of that moment can be told to be its: the job ended as `submit_unknown`, was not sent again, and may be billed. The log's `submit.unknown` names the job and how many tasks may be its. Compare with the upstream's console and tell the owner."
  }

  depends_on = [google_cloud_scheduler_job.tick]
}

resource "google_monitoring_alert_policy" "many_jobs" {
  project               = var.project
  display_name          = "${var.name}: more jobs in a day than usual"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  conditions {
    display_name = "more than ${var.alert_jobs_per_day} jobs of all owners in 24 hours"

    condition_threshold {
      filter          = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.jobs_created.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.alert_jobs_per_day
      duration        = "0s"

      aggregations {
        alignment_period     = "86400s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Each job costs what its film costs, upstream and not on Google's bill: multiply. Who made them: `job.created` in the log has the owner's hash. A key that leaked is taken back with `infra/dev keys revoke`, a limit is set with `owner_limits`; `paused=true` sends nothing more."
  }

  depends_on = [google_cloud_scheduler_job.tick]
}
