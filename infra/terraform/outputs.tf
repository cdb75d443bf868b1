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

# From the secrets themselves: an output of no resource is left out when they alone are made.
output "secrets_to_fill" {
  description = "How each secret gets its value; the value never passes through Terraform"
  value = {
    for name, secret in google_secret_manager_secret.secret : local.secrets[name].says =>
    "gcloud secrets versions add ${secret.secret_id} --project=${secret.project} --data-file=-"
  }
}
