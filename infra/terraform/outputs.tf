# What a person or a script needs next.

output "url" {
  description = "The address that frontends call"
  value       = var.public_url == null ? google_cloudfunctions2_function.api.service_config[0].uri : var.public_url
}

output "other_urls" {
  description = "Further addresses of api; links in answers are right behind them once public_url names one"
  value       = [google_cloudfunctions2_function.api.service_config[0].uri, google_cloudfunctions2_function.api.url]
}

output "poll_url" {
  description = "The address that the scheduler calls"
  value       = google_cloudfunctions2_function.poll.url
}

output "bucket" {
  description = "The bucket that holds everything"
  value       = google_storage_bucket.films.name
}

output "source" {
  description = "The deployed zip, named by its SHA-256"
  value       = google_storage_bucket_object.source.name
}

output "identities" {
  description = "Who runs what"
  value       = { for name, account in google_service_account.identity : name => account.email }
}

# From the secrets themselves: an output of no resource is left out when they alone are made.
output "secrets_to_fill" {
  description = "How each secret gets its value; the value never passes through Terraform"
  value = {
    for name, secret in google_secret_manager_secret.secret : local.secrets[name].says =>
    "gcloud secrets versions add ${secret.secret_id} --project=${secret.project} --data-file=-"
  }
}

output "limits" {
  description = "What each owner may spend, * is everybody without a row"
  value       = "${jsonencode(var.owner_limits)}; what * leaves open: 100 jobs a day, 10 at once, 400 uploads a day"
}

# A budget belongs to the billing account, on which who deploys a project often has no right; and what
# the upstream bills stands on no bill of Google's: that is the alert on jobs of a day.
output "budget_to_make" {
  description = "Tells the billing account's people before Google's part grows beyond the budget"
  value       = "gcloud billing budgets create --billing-account=${coalesce(var.billing_account, "BILLING_ACCOUNT")} --display-name=${var.name} --budget-amount=${var.budget_per_month} --filter-projects=projects/${var.project} --threshold-rule=percent=0.5 --threshold-rule=percent=0.9 --threshold-rule=percent=1.0,basis=forecasted-spend"
}

output "dashboard" {
  description = "Jobs, ticks, answers and what went wrong, in pictures"
  value       = "https://console.cloud.google.com/monitoring/dashboards?project=${var.project}"
}
