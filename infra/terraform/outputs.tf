# What a person or a script needs next.

output "url" {
  description = "The address that frontends call"
  value       = google_cloudfunctions2_function.api.url
}

output "poll_url" {
  description = "The address that the scheduler calls, and the audience of its token"
  value       = local.poll_url
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

output "secrets_to_fill" {
  description = "How each secret gets its value; the value never passes through Terraform"
  value = {
    for name, about in local.secrets : about.says =>
    "gcloud secrets versions add ${var.name}-${name} --project=${var.project} --data-file=-"
  }
}
