# What is looked at while something is wrong, and once a week when nothing is: jobs, the oldest of them,
# ticks, answers. Every picture draws a metric of metrics.tf or one of Cloud Run's own. A place that is 0
# is left out: so it stands in Google's answer, and a plan would show a difference for ever.

resource "google_monitoring_dashboard" "service" {
  project = var.project
  dashboard_json = templatefile("${path.module}/dashboard.json.tftpl", {
    name      = var.name
    api_name  = local.api_name
    poll_name = local.poll_name
    counted   = "logging.googleapis.com/user/${var.name}"
    backlog_s = var.alert_backlog_s
  })

  # As the alerts: Google learns of new metrics within minutes.
  depends_on = [
    google_cloud_scheduler_job.tick,
    google_logging_metric.jobs_completed,
    google_logging_metric.jobs_created,
    google_logging_metric.late_tasks,
    google_logging_metric.oldest_job,
    google_logging_metric.refused_ticks,
    google_logging_metric.server_errors,
    google_logging_metric.ticks,
    google_logging_metric.unknown_outcomes,
    google_logging_metric.unreadable_objects,
  ]
}
