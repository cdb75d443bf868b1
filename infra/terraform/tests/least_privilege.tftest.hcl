# Each identity has what its work needs, on the thing that it works on.

mock_provider "google" {}

# Planned, not applied: what may never be destroyed could not be cleaned up after a test. What Google
# would answer stands here (override_during needs Terraform 1.11).
override_resource {
  target          = google_service_account.identity["api"]
  override_during = plan
  values = {
    email  = "inbetween-api@demo-project.iam.gserviceaccount.com"
    member = "serviceAccount:inbetween-api@demo-project.iam.gserviceaccount.com"
    id     = "projects/demo-project/serviceAccounts/inbetween-api@demo-project.iam.gserviceaccount.com"
    name   = "projects/demo-project/serviceAccounts/inbetween-api@demo-project.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_service_account.identity["poll"]
  override_during = plan
  values = {
    email  = "inbetween-poll@demo-project.iam.gserviceaccount.com"
    member = "serviceAccount:inbetween-poll@demo-project.iam.gserviceaccount.com"
    id     = "projects/demo-project/serviceAccounts/inbetween-poll@demo-project.iam.gserviceaccount.com"
    name   = "projects/demo-project/serviceAccounts/inbetween-poll@demo-project.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_service_account.identity["scheduler"]
  override_during = plan
  values = {
    email  = "inbetween-scheduler@demo-project.iam.gserviceaccount.com"
    member = "serviceAccount:inbetween-scheduler@demo-project.iam.gserviceaccount.com"
    id     = "projects/demo-project/serviceAccounts/inbetween-scheduler@demo-project.iam.gserviceaccount.com"
    name   = "projects/demo-project/serviceAccounts/inbetween-scheduler@demo-project.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_service_account.identity["build"]
  override_during = plan
  values = {
    email  = "inbetween-build@demo-project.iam.gserviceaccount.com"
    member = "serviceAccount:inbetween-build@demo-project.iam.gserviceaccount.com"
    id     = "projects/demo-project/serviceAccounts/inbetween-build@demo-project.iam.gserviceaccount.com"
    name   = "projects/demo-project/serviceAccounts/inbetween-build@demo-project.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_cloudfunctions2_function.poll
  override_during = plan
  values          = { url = "https://asia-southeast1-demo-project.cloudfunctions.net/inbetween-poll" }
}

variables {
  project    = "demo-project"
  source_zip = "versions.tf"
}

run "as_it_comes" {
  command = plan

  # Each function is somebody of its own.
  assert {
    condition     = length(distinct([for account in google_service_account.identity : account.email])) == 4
    error_message = "Two parts share an identity."
  }
  assert {
    condition     = google_cloudfunctions2_function.api.service_config[0].service_account_email == google_service_account.identity["api"].email
    error_message = "api runs as somebody else."
  }
  assert {
    condition     = google_cloudfunctions2_function.poll.service_config[0].service_account_email == google_service_account.identity["poll"].email
    error_message = "poll runs as somebody else."
  }
  assert {
    condition = alltrue([
      for function in [google_cloudfunctions2_function.api, google_cloudfunctions2_function.poll] :
      function.build_config[0].service_account == google_service_account.identity["build"].id
    ])
    error_message = "A build runs as an identity that may do more."
  }

  # Objects of one bucket and nothing else.
  assert {
    condition = alltrue([
      for grant in google_storage_bucket_iam_member.functions_use_films :
      grant.role == "roles/storage.objectUser" && grant.bucket == google_storage_bucket.films.name
    ])
    error_message = "A function may do more than use the objects of the films' bucket."
  }
  assert {
    condition = {
      for who, grant in google_storage_bucket_iam_member.functions_use_films : who => grant.member
    } == { for who in ["api", "poll"] : who => google_service_account.identity[who].member }
    error_message = "Somebody else than the two functions uses the bucket."
  }

  # Tokens for itself only.
  assert {
    condition = alltrue([
      for who, grant in google_service_account_iam_member.signs_as_itself :
      grant.role == "roles/iam.serviceAccountTokenCreator" && grant.member == google_service_account.identity[who].member && grant.service_account_id == google_service_account.identity[who].name
    ])
    error_message = "A function may sign as somebody else."
  }

  # Project roles are the builds alone.
  assert {
    condition = alltrue([
      for grant in concat(values(google_project_iam_member.build), [google_project_iam_member.build_sources]) :
      grant.member == google_service_account.identity["build"].member
    ])
    error_message = "Somebody else than the build has a role on the project."
  }
  assert {
    condition     = toset([for grant in google_project_iam_member.build : grant.role]) == toset(["roles/artifactregistry.writer", "roles/logging.logWriter"])
    error_message = "The build may do more than write images and logs."
  }
  assert {
    condition     = google_project_iam_member.build_sources.condition[0].expression == "resource.name.startsWith(\"projects/_/buckets/gcf-v2-\")"
    error_message = "The build sees more buckets than those of sources."
  }

  # Secrets are read by whom they are for.
  assert {
    condition     = toset(keys(google_secret_manager_secret_iam_member.reads)) == toset(["upstream/api", "upstream/poll", "owner-keys/api", "webhook/api", "webhook/poll"])
    error_message = "The readers of the secrets are not those that need them."
  }
  assert {
    condition     = alltrue([for grant in google_secret_manager_secret_iam_member.reads : grant.role == "roles/secretmanager.secretAccessor"])
    error_message = "A function may do more with a secret than read it."
  }
  assert {
    condition     = google_secret_manager_secret_iam_member.reads["owner-keys/api"].member == google_service_account.identity["api"].member
    error_message = "The owners' key hashes are read by somebody else than api."
  }
}
