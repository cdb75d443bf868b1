# The audience is guessed from the region and the project before poll exists: a wrong guess must stop
# the deployment, because poll would refuse every tick.

mock_provider "google" {}

# Planned, not applied: what may never be destroyed could not be cleaned up after a test. What Google
# would answer stands here (override_during needs Terraform 1.11).
variables {
  project    = "demo-project"
  source_zip = "versions.tf"
}

run "an_address_that_is_not_the_audience_is_refused" {
  command = plan

  override_resource {
    target          = google_cloudfunctions2_function.poll
    override_during = plan
    values          = { url = "https://elsewhere.example.com" }
  }
  expect_failures = [google_cloud_scheduler_job.tick]
}
