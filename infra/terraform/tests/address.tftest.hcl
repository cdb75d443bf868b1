# The audience is guessed from the region and the project before poll exists: a wrong guess must stop
# the deployment, because poll would refuse every tick.

mock_provider "google" {}

variables {
  project    = "demo-project"
  source_zip = "versions.tf"
}

run "an_address_that_is_not_the_audience_is_refused" {
  override_resource {
    target = google_cloudfunctions2_function.poll
    values = { url = "https://elsewhere.example.com" }
  }
  expect_failures = [google_cloud_scheduler_job.tick]
}
