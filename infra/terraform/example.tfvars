# Copy to NAME.auto.tfvars and change; infra/dev deploy gives project, region and source_zip.

allowed_origins = ["https://app.example.com", "http://localhost:5173"]
alert_emails    = ["ops@example.com"]

dashscope_region = "singapore"

# What an owner may spend; without a row of its own an owner has that of *.
owner_limits = {
  "*" = { jobs_per_day = 100, jobs_running = 10, uploads_per_day = 400 }
}

# Films and jobs are kept for ever unless these are set.
# videos_days = 90
# jobs_days   = 365

# A warm instance answers the first request of the day at once, and costs money while it idles.
api_min_instances = 0
api_max_instances = 5
