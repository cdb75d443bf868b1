# What belongs together is the same on both sides.

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
  target          = google_storage_bucket.source
  override_during = plan
  values          = { project_number = 123456789012 }
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

  # One zip named by its content.
  assert {
    condition     = google_storage_bucket_object.source.name == "inbetween-${filesha256("versions.tf")}.zip"
    error_message = "The zip's name does not say what is in it."
  }
  assert {
    condition = alltrue([
      for function in [google_cloudfunctions2_function.api, google_cloudfunctions2_function.poll] :
      function.build_config[0].source[0].storage_source[0].object == google_storage_bucket_object.source.name
    ])
    error_message = "The functions are built from different zips."
  }
  assert {
    condition     = [google_cloudfunctions2_function.api.build_config[0].entry_point, google_cloudfunctions2_function.poll.build_config[0].entry_point] == ["api", "poll"]
    error_message = "A function serves the other one's target."
  }

  # Size and threads.
  assert {
    condition = alltrue([
      for function in [google_cloudfunctions2_function.api, google_cloudfunctions2_function.poll] :
      function.service_config[0].available_cpu == "1" && function.service_config[0].available_memory == "512Mi"
    ])
    error_message = "A function has another size than one CPU and 512 MiB."
  }
  assert {
    condition = alltrue([
      for function in [google_cloudfunctions2_function.api, google_cloudfunctions2_function.poll] :
      tostring(function.service_config[0].max_instance_request_concurrency) == function.service_config[0].environment_variables["THREADS"]
    ])
    error_message = "More requests are sent to an instance than it has threads, or fewer."
  }

  # The heartbeat.
  assert {
    condition     = google_cloud_scheduler_job.tick.schedule == "* * * * *" && google_cloud_scheduler_job.tick.retry_config[0].retry_count == 0
    error_message = "Not one tick a minute."
  }
  assert {
    condition     = google_cloud_scheduler_job.tick.http_target[0].uri == google_cloudfunctions2_function.poll.url
    error_message = "The scheduler calls something else than poll."
  }
  assert {
    condition     = contains(split(" ", google_cloudfunctions2_function.poll.service_config[0].environment_variables["POLL_AUDIENCE"]), google_cloud_scheduler_job.tick.http_target[0].oidc_token[0].audience)
    error_message = "poll expects another audience than the scheduler names."
  }
  assert {
    condition     = google_cloud_scheduler_job.tick.http_target[0].oidc_token[0].service_account_email == google_cloudfunctions2_function.poll.service_config[0].environment_variables["POLL_INVOKER"]
    error_message = "poll expects another caller than the scheduler."
  }
  assert {
    condition     = google_cloudfunctions2_function.poll.service_config[0].environment_variables["POLL_BEHIND_IAM"] == "on" && !contains(keys(google_cloudfunctions2_function.api.service_config[0].environment_variables), "POLL_BEHIND_IAM")
    error_message = "poll expects a signature that Cloud Run has struck out, or api trusts a token without one."
  }
  assert {
    condition     = tonumber(trimsuffix(google_cloud_scheduler_job.tick.attempt_deadline, "s")) > google_cloudfunctions2_function.poll.service_config[0].timeout_seconds
    error_message = "The scheduler gives up before poll does."
  }
  assert {
    condition     = google_cloudfunctions2_function.poll.service_config[0].timeout_seconds > tonumber(google_cloudfunctions2_function.poll.service_config[0].environment_variables["TICK_BUDGET_S"])
    error_message = "A tick is cut before its budget is used."
  }

  # The same bucket and upstream.
  assert {
    condition = alltrue([
      for function in [google_cloudfunctions2_function.api, google_cloudfunctions2_function.poll] :
      function.service_config[0].environment_variables["BUCKET"] == google_storage_bucket.films.name && function.service_config[0].environment_variables["DASHSCOPE_REGION"] == "singapore"
    ])
    error_message = "The functions do not work on one bucket and one upstream."
  }
  assert {
    condition     = [for secret in google_cloudfunctions2_function.api.service_config[0].secret_environment_variables : "${secret.key}=${secret.secret}"] == ["DASHSCOPE_API_KEY=inbetween-upstream", "OWNER_KEYS=inbetween-owner-keys"]
    error_message = "api gets other secrets than its own."
  }
  assert {
    condition     = [for secret in google_cloudfunctions2_function.poll.service_config[0].secret_environment_variables : "${secret.key}=${secret.secret}"] == ["DASHSCOPE_API_KEY=inbetween-upstream"]
    error_message = "poll gets other secrets than its own."
  }

  # What is not set is left out.
  assert {
    condition     = alltrue([for name in ["FIRST_LOOK_S", "FRAME_DELIVERY", "ALLOWED_ORIGINS", "PUBLIC_URL", "ID_TOKEN_AUDIENCE", "ID_TOKEN_OWNERS"] : !contains(keys(google_cloudfunctions2_function.api.service_config[0].environment_variables), name)])
    error_message = "An empty value is handed to the function."
  }
}

run "several_accounts_come_as_one_secret" {
  command = plan

  variables {
    several_accounts = true
  }
  assert {
    condition     = google_cloudfunctions2_function.poll.service_config[0].secret_environment_variables[0].key == "DASHSCOPE_ACCOUNTS"
    error_message = "The list of accounts does not reach poll."
  }
  assert {
    condition     = !contains(keys(google_cloudfunctions2_function.poll.service_config[0].environment_variables), "DASHSCOPE_REGION")
    error_message = "A region for one key stands beside the list of accounts."
  }
}

run "id_tokens_and_limits_reach_the_functions" {
  command = plan

  variables {
    id_token_audience = ["123.apps.googleusercontent.com"]
    id_token_owners   = { studio = ["ada@example.com"] }
    owner_limits      = { "*" = { jobs_per_day = 50 }, ada = { spend_per_day = "50.00 CNY", jobs_running = null } }
    public_url        = "https://films.example.com"
  }
  assert {
    condition     = jsondecode(google_cloudfunctions2_function.api.service_config[0].environment_variables["ID_TOKEN_OWNERS"]).studio[0] == "ada@example.com"
    error_message = "The owners of ID tokens do not reach api."
  }
  assert {
    condition     = google_cloudfunctions2_function.api.service_config[0].environment_variables["OWNER_LIMITS"] == jsonencode({ "*" = { jobs_per_day = 50 }, ada = { spend_per_day = "50.00 CNY", jobs_running = null } })
    error_message = "The limits do not reach api."
  }
  assert {
    condition     = alltrue([for function in [google_cloudfunctions2_function.api, google_cloudfunctions2_function.poll] : lookup(function.service_config[0].environment_variables, "PUBLIC_URL", "") == "https://films.example.com"]) && output.url == "https://films.example.com"
    error_message = "The public address does not reach the functions, or is not the one that is told."
  }
}

run "alerts_look_at_what_is_counted" {
  command = plan

  variables {
    alert_emails = ["ops@example.com"]
  }
  assert {
    condition     = google_monitoring_alert_policy.no_tick.conditions[0].condition_prometheus_query_language[0].query == "(sum(increase(logging_googleapis_com:user_inbetween_ticks{monitored_resource=\"cloud_run_revision\"}[10m])) or vector(0)) < 0.5"
    error_message = "The alert for a silent heartbeat looks at something else, or is silent where nothing ever ticked."
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.server_errors.conditions[0].condition_threshold[0].filter, "user/${google_logging_metric.server_errors.name}\"")
    error_message = "The alert for 5xx looks at something else."
  }
  assert {
    condition     = alltrue([for policy in [google_monitoring_alert_policy.no_tick, google_monitoring_alert_policy.server_errors] : length(policy.notification_channels) == 1])
    error_message = "An alert tells nobody."
  }
}

run "another_name_is_another_metric" {
  command = plan
  variables {
    name            = "film-lab"
    alert_backlog_s = 3600
  }
  override_resource {
    target          = google_cloudfunctions2_function.poll
    override_during = plan
    values          = { url = "https://asia-southeast1-demo-project.cloudfunctions.net/film-lab-poll" }
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.no_tick.conditions[0].condition_prometheus_query_language[0].query, "logging_googleapis_com:user_film_lab_ticks{")
    error_message = "The query is not about the ticks of this deployment."
  }
  assert {
    condition     = endswith(google_logging_metric.late_backlogs.filter, "jsonPayload.oldest_s>3600") && strcontains(google_logging_metric.refused_ticks.filter, "job_id=\"film-lab-tick\"")
    error_message = "A metric counts something else than was asked."
  }
}

run "the_scheduler_may_name_the_other_address" {
  command = plan
  variables {
    tick_audience = "run"
  }
  assert {
    condition     = google_cloud_scheduler_job.tick.http_target[0].oidc_token[0].audience == "https://inbetween-poll-123456789012.asia-southeast1.run.app" && contains(split(" ", google_cloudfunctions2_function.poll.service_config[0].environment_variables["POLL_AUDIENCE"]), google_cloud_scheduler_job.tick.http_target[0].oidc_token[0].audience)
    error_message = "poll does not take a token for its address of Cloud Run."
  }
}

run "what_the_dashboard_draws_is_counted" {
  command = plan
  assert {
    condition = alltrue([
      for metric in distinct(flatten(regexall("user/(inbetween/[a-z_]+)", google_monitoring_dashboard.service.dashboard_json))) :
      contains(["inbetween/ticks", "inbetween/refused_ticks", "inbetween/server_errors", "inbetween/unreadable_objects", "inbetween/late_tasks", "inbetween/unknown_outcomes", "inbetween/jobs_created", "inbetween/jobs_completed", "inbetween/oldest_job"], metric)
    ]) && length(jsondecode(google_monitoring_dashboard.service.dashboard_json).mosaicLayout.tiles) == 8
    error_message = "The dashboard draws what nobody counts, or is no dashboard."
  }
}
