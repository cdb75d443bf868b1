# What is not allowed is refused before anything is made. Each run breaks many variables at once, and
# every one of them must be named.

mock_provider "google" {}

variables {
  project    = "demo-project"
  source_zip = "versions.tf"
}

run "too_little_or_of_another_kind" {
  command = plan
  variables {
    project                   = "Demo"
    region                    = "Singapore"
    scheduler_region          = "everywhere"
    name                      = "x"
    source_zip                = "nowhere.zip"
    runtime                   = "python39"
    bucket                    = "My_Bucket"
    bucket_location           = "?"
    allowed_origins           = ["*"]
    api_invokers              = ["allAuthenticatedUsers"]
    dashscope_region          = "frankfurt"
    frame_delivery            = "pigeon"
    upstream_secret_version   = "newest"
    webhook_secret_version    = "newest"
    owner_keys_secret_version = "0"
    id_token_audience         = ["client"]
    owner_limits              = { "a b" = { jobs_per_day = 1 } }
    signed_url_ttl_s          = 59
    implicit_dedupe_s         = -1
    first_look_s              = 3601
    poll_timeout_s            = 689 # one second less than a copy of the budget's last second takes
    api_timeout_s             = 60
    api_concurrency           = 1
    api_min_instances         = 6
    frames_days               = 2
    outbox_days               = 1
    videos_days               = 0
    jobs_days                 = 8
    alert_emails              = ["nobody"]
    alert_5xx_above           = -1
    public_url                = "https://films.example.com/"
    soft_delete_days          = 6
    secret_locations          = ["EU"]
    tick_audience             = "both"
    alert_backlog_s           = 599
    alert_jobs_per_day        = 0
    billing_account           = "123"
    budget_per_month          = "20"
  }
  expect_failures = [
    var.project,
    var.region,
    var.scheduler_region,
    var.name,
    var.source_zip,
    var.runtime,
    var.bucket,
    var.bucket_location,
    var.allowed_origins,
    var.api_invokers,
    var.dashscope_region,
    var.frame_delivery,
    var.upstream_secret_version,
    var.webhook_secret_version,
    var.owner_keys_secret_version,
    var.id_token_audience,
    var.owner_limits,
    var.signed_url_ttl_s,
    var.implicit_dedupe_s,
    var.first_look_s,
    var.poll_timeout_s,
    var.api_timeout_s,
    var.api_concurrency,
    var.api_min_instances,
    var.frames_days,
    var.outbox_days,
    var.videos_days,
    var.jobs_days,
    var.alert_emails,
    var.alert_5xx_above,
    var.public_url,
    var.soft_delete_days,
    var.secret_locations,
    var.tick_audience,
    var.alert_backlog_s,
    var.alert_jobs_per_day,
    var.billing_account,
    var.budget_per_month,
  ]
}

run "too_much_or_of_another_form" {
  command = plan
  variables {
    project                   = "a"
    name                      = "a-name-that-is-far-too-long"
    runtime                   = "nodejs22"
    allowed_origins           = ["https://app.example.com/"]
    api_invokers              = ["everybody"]
    signed_url_ttl_s          = 43201
    poll_timeout_s            = 1771
    api_concurrency           = 81
    api_max_instances         = 0
    implicit_dedupe_s         = 3601
    first_look_s              = -1
    api_timeout_s             = 3601
    frames_days               = 3.5
    outbox_days               = 366
    videos_days               = 1.5
    jobs_days                 = 9.5
    alert_5xx_above           = 10001
    owner_keys_secret_version = "-1"
    upstream_secret_version   = "01"
    webhook_secret_version    = "0"
    id_token_owners           = { "a b" = ["ada@example.com"] }
    id_token_audience         = ["client"]
    public_url                = "http://films.example.com"
    soft_delete_days          = 91
    alert_backlog_s           = 172801
    alert_jobs_per_day        = 1000001
    owner_limits              = { ada = { spend_per_day = "50 yuan" } }
    budget_per_month          = "0.5USD"
  }
  expect_failures = [
    var.public_url,
    var.soft_delete_days,
    var.alert_backlog_s,
    var.alert_jobs_per_day,
    var.owner_limits,
    var.budget_per_month,
    var.project,
    var.name,
    var.runtime,
    var.allowed_origins,
    var.api_invokers,
    var.signed_url_ttl_s,
    var.poll_timeout_s,
    var.api_concurrency,
    var.api_max_instances,
    var.implicit_dedupe_s,
    var.first_look_s,
    var.api_timeout_s,
    var.frames_days,
    var.outbox_days,
    var.videos_days,
    var.jobs_days,
    var.alert_5xx_above,
    var.owner_keys_secret_version,
    var.upstream_secret_version,
    var.webhook_secret_version,
    var.id_token_owners,
  ]
}

run "the_other_bounds" {
  command = plan
  variables {
    tick_budget_s     = 0
    api_min_instances = 0.5
    allowed_origins   = ["http://app.example.com"]
  }
  expect_failures = [
    var.tick_budget_s,
    var.api_min_instances,
    var.allowed_origins,
  ]
}

run "too_many_instances" {
  command = plan
  variables {
    api_max_instances = 101
  }
  expect_failures = [var.api_max_instances]
}

run "a_misspelt_limit" {
  command = plan
  variables {
    owner_limits = { "*" = { jobs_a_day = 5 } }
  }
  expect_failures = [var.owner_limits]
}

run "a_limit_in_quotes" {
  command = plan
  variables {
    owner_limits = { "*" = { jobs_per_day = "5" } }
  }
  expect_failures = [var.owner_limits]
}

run "limits_that_are_no_rows" {
  command = plan
  variables {
    owner_limits = { ada = 5 }
  }
  expect_failures = [var.owner_limits]
}

run "half_a_limit" {
  command = plan
  variables {
    owner_limits = { ada = { jobs_running = 0.5 } }
  }
  expect_failures = [var.owner_limits]
}
