# Containers of secrets, never their values: a value would lie in the state for whoever reads that.
# The output `secrets_to_fill` prints the gcloud lines that add them.

locals {
  # One upstream key in the usual case; a JSON list of accounts with their keys in the other.
  upstream_variable = var.several_accounts ? "DASHSCOPE_ACCOUNTS" : "DASHSCOPE_API_KEY"

  secrets = {
    upstream = {
      says = var.several_accounts ? "the JSON list of DashScope accounts" : "the DashScope API key"
      read = ["api", "poll"]
    }
    owner-keys = {
      says = "the JSON object of owners and their salted key hashes (infra/dev keys makes it)"
      read = ["api"]
    }
    webhook = {
      says = "the JSON object of owners and the secrets that their webhooks are signed with"
      read = ["api", "poll"]
    }
  }

  readers = merge([
    for secret, about in local.secrets : {
      for reader in about.read : "${secret}/${reader}" => { secret = secret, reader = reader }
    }
  ]...)
}

resource "google_secret_manager_secret" "secret" {
  for_each = local.secrets

  project   = var.project
  secret_id = "${var.name}-${each.key}"

  # Where an organisation allows certain locations only, automatic replication is refused.
  replication {
    dynamic "auto" {
      for_each = length(var.secret_locations) == 0 ? [true] : []
      content {}
    }
    dynamic "user_managed" {
      for_each = length(var.secret_locations) == 0 ? [] : [var.secret_locations]

      content {
        dynamic "replicas" {
          for_each = user_managed.value

          content {
            location = replicas.value
          }
        }
      }
    }
  }

  # With a secret its values would go, which nobody else has.
  lifecycle {
    prevent_destroy = true
  }

  depends_on = [google_project_service.needed]
}

resource "google_secret_manager_secret_iam_member" "reads" {
  for_each = local.readers

  project   = var.project
  secret_id = google_secret_manager_secret.secret[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.identity[each.value.reader].member
}
