# Nothing is open that need not be: the buckets to nobody, poll to the scheduler alone.

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
  source_zip = "versions.tf" # any file: a mocked upload reads none
}

run "as_it_comes" {
  command = plan

  # Both buckets are private.
  assert {
    condition     = alltrue([for bucket in [google_storage_bucket.films, google_storage_bucket.source] : bucket.public_access_prevention == "enforced"])
    error_message = "A bucket could be made public."
  }
  assert {
    condition     = alltrue([for bucket in [google_storage_bucket.films, google_storage_bucket.source] : bucket.uniform_bucket_level_access])
    error_message = "An object could have an access list of its own."
  }
  assert {
    condition     = google_storage_bucket.films.soft_delete_policy[0].retention_duration_seconds == 7 * 86400 && google_storage_bucket.source.soft_delete_policy[0].retention_duration_seconds == 0
    error_message = "A wrong command would delete films for good, or old zips would be kept and billed."
  }
  assert {
    condition     = !google_storage_bucket.films.force_destroy
    error_message = "terraform destroy would delete the films."
  }

  # Films and jobs are kept.
  assert {
    condition = toset(flatten([
      for rule in google_storage_bucket.films.lifecycle_rule : [for condition in rule.condition : condition.matches_prefix]
    ])) == toset(["claims/", "keys/", "outbox/", "frames/", "uploads/"])
    error_message = "Something else than claims/, keys/, outbox/, frames/ and uploads/ is swept."
  }
  assert {
    condition = alltrue(flatten([
      for rule in google_storage_bucket.films.lifecycle_rule : [for condition in rule.condition : condition.age >= 3 && length(condition.matches_prefix) == 1]
    ]))
    error_message = "A rule without a prefix, or one that sweeps what is in use."
  }

  # No origin no cors.
  assert {
    condition     = length(google_storage_bucket.films.cors) == 0
    error_message = "Some origin may read the bucket though none was named."
  }

  # Only the scheduler calls poll.
  assert {
    condition     = google_cloud_run_v2_service_iam_member.scheduler_calls_poll.member == google_service_account.identity["scheduler"].member
    error_message = "Somebody else than the scheduler may call poll."
  }
  assert {
    condition     = alltrue([for grant in google_cloud_run_v2_service_iam_member.anybody_calls_api : grant.name != google_cloudfunctions2_function.poll.name])
    error_message = "A grant for api stands on poll."
  }
}

run "films_go_when_a_variable_says_so" {
  command = plan

  variables {
    videos_days = 90
    jobs_days   = 365
  }
  assert {
    condition = {
      for rule in google_storage_bucket.films.lifecycle_rule : one(rule.condition).matches_prefix[0] => one(rule.condition).age
    } == { "claims/" = 4, "keys/" = 8, "outbox/" = 14, "frames/" = 30, "uploads/" = 3, "videos/" = 90, "jobs/" = 365 }
    error_message = "The days that were asked for are not the days in the rules."
  }
}

run "named_origins_may_play" {
  command = plan

  variables {
    allowed_origins = ["https://app.example.com"]
  }
  assert {
    condition     = google_storage_bucket.films.cors[0].origin == tolist(["https://app.example.com"])
    error_message = "The bucket allows other origins than api."
  }
  assert {
    condition     = google_cloudfunctions2_function.api.service_config[0].environment_variables["ALLOWED_ORIGINS"] == "https://app.example.com"
    error_message = "api allows other origins than the bucket."
  }
}

run "api_can_be_closed" {
  command = plan

  variables {
    api_invokers = ["group:team@example.com"]
  }
  assert {
    condition     = [for grant in google_cloud_run_v2_service_iam_member.anybody_calls_api : grant.member] == ["group:team@example.com"]
    error_message = "api is open though it was asked to be closed."
  }
}

run "what_is_deleted_can_be_gone_at_once" {
  command = plan
  variables {
    soft_delete_days = 0
  }
  assert {
    condition     = google_storage_bucket.films.soft_delete_policy[0].retention_duration_seconds == 0
    error_message = "What was deleted is kept though it was asked not to be."
  }
}

run "secrets_can_be_kept_in_named_regions" {
  command = plan
  variables {
    secret_locations = ["europe-west1", "europe-west3"]
  }
  assert {
    condition = alltrue([
      for secret in google_secret_manager_secret.secret :
      length(secret.replication[0].auto) == 0 && flatten([for managed in secret.replication[0].user_managed : [for replica in managed.replicas : replica.location]]) == ["europe-west1", "europe-west3"]
    ])
    error_message = "A secret is kept elsewhere than asked."
  }
}
