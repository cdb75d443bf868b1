# What belongs together is the same on both sides.

mock_provider "google" {}

override_resource {
  target = google_cloudfunctions2_function.poll
  values = { url = "https://asia-southeast1-demo-project.cloudfunctions.net/inbetween-poll" }
}

variables {
  project    = "demo-project"
  source_zip = "versions.tf"
}

run "as_it_comes" {
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
    condition     = google_cloud_scheduler_job.tick.http_target[0].oidc_token[0].audience == google_cloudfunctions2_function.poll.service_config[0].environment_variables["POLL_AUDIENCE"]
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
    condition     = alltrue([for name in ["FIRST_LOOK_S", "FRAME_DELIVERY", "ALLOWED_ORIGINS", "OWNER_LIMITS", "ID_TOKEN_AUDIENCE", "ID_TOKEN_OWNERS"] : !contains(keys(google_cloudfunctions2_function.api.service_config[0].environment_variables), name)])
    error_message = "An empty value is handed to the function."
  }
}

run "several_accounts_come_as_one_secret" {
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
  variables {
    id_token_audience = ["123.apps.googleusercontent.com"]
    id_token_owners   = { studio = ["ada@example.com"] }
    owner_limits      = { "*" = { jobs_per_day = 50 } }
  }
  assert {
    condition     = jsondecode(google_cloudfunctions2_function.api.service_config[0].environment_variables["ID_TOKEN_OWNERS"]).studio[0] == "ada@example.com"
    error_message = "The owners of ID tokens do not reach api."
  }
  assert {
    condition     = jsondecode(google_cloudfunctions2_function.api.service_config[0].environment_variables["OWNER_LIMITS"])["*"].jobs_per_day == 50
    error_message = "The limits do not reach api."
  }
}

run "alerts_look_at_what_is_counted" {
  variables {
    alert_emails = ["ops@example.com"]
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.no_tick.conditions[0].condition_absent[0].filter, "user/${google_logging_metric.ticks.name}\"") && google_monitoring_alert_policy.no_tick.conditions[0].condition_absent[0].duration == "300s"
    error_message = "The alert for a silent heartbeat looks at something else."
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
