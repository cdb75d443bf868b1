# The bucket is the whole state of the service: private, kept for some days after a deletion, swept by
# prefix, and never deleted by Terraform. Sources lie in a bucket of their own, where the functions
# themselves cannot write.

locals {
  bucket          = coalesce(var.bucket, "${var.project}-${var.name}")
  bucket_location = coalesce(var.bucket_location, var.region)

  # What may go, after how many days. null keeps it for ever.
  sweep = {
    "claims/"  = 4 # an upstream task is listed for a day, and in doubt for minutes
    "keys/"    = 8 # an Idempotency-Key counts for a day, and for one after its job has ended
    "outbox/"  = var.outbox_days
    "frames/"  = var.frames_days
    "uploads/" = 3 # a temporary upload counts for 48 hours
    "videos/"  = var.videos_days
    "jobs/"    = var.jobs_days
  }
}

resource "google_storage_bucket" "films" {
  project  = var.project
  name     = local.bucket
  location = local.bucket_location

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  # Against a wrong command or a bug: for so long films and jobs can be restored by who runs the
  # service. Versioning would keep every rewrite of small objects for ever unless swept once more.
  soft_delete_policy {
    retention_duration_seconds = var.soft_delete_days * 86400
  }

  dynamic "lifecycle_rule" {
    for_each = { for prefix, days in local.sweep : prefix => days if days != null }

    content {
      action {
        type = "Delete"
      }
      condition {
        age            = lifecycle_rule.value
        matches_prefix = [lifecycle_rule.key]
      }
    }
  }

  # A browser plays and seeks through a signed link, and puts a big frame through one; it may send
  # only the headers that stand here, those that POST /v1/uploads signs among them.
  dynamic "cors" {
    for_each = length(var.allowed_origins) > 0 ? [var.allowed_origins] : []

    content {
      origin = cors.value
      method = ["GET", "HEAD", "PUT"]
      response_header = [
        "Content-Type", "Content-Length", "Content-Range", "Accept-Ranges", "Range", "ETag",
        "x-goog-content-length-range", "x-goog-if-generation-match",
      ]
      max_age_seconds = 3600
    }
  }

  # A bucket cannot be moved: another location would be another, empty bucket. What is there stays
  # where it is, whatever `region` says afterwards, and the check below tells so.
  lifecycle {
    prevent_destroy = true
    ignore_changes  = [location]
  }

  depends_on = [google_project_service.needed]
}

# A bucket that is there already is taken over with what is in it; once it is ours this does nothing.
import {
  for_each = var.bucket_exists ? toset([local.bucket]) : toset([])
  to       = google_storage_bucket.films
  id       = each.value
}

check "bucket_stays" {
  assert {
    condition     = upper(google_storage_bucket.films.location) == upper(local.bucket_location)
    error_message = "The bucket ${local.bucket} stays in ${google_storage_bucket.films.location}; ${local.bucket_location} was asked for. A bucket cannot be moved: reads between regions cost time and money. Say bucket_location=${google_storage_bucket.films.location} if that is meant, or copy the films into a bucket of another name (infra/docs/deploy.md)."
  }
}

# On this bucket alone, and no more than objects: neither its settings nor who may use it.
resource "google_storage_bucket_iam_member" "functions_use_films" {
  for_each = local.functions

  bucket = google_storage_bucket.films.name
  role   = "roles/storage.objectUser"
  member = google_service_account.identity[each.key].member
}

resource "google_storage_bucket" "source" {
  project  = var.project
  name     = "${local.bucket}-source"
  location = var.region

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # nothing but zips that can be built again

  soft_delete_policy {
    retention_duration_seconds = 0
  }

  depends_on = [google_project_service.needed]
}

resource "google_storage_bucket_iam_member" "build_reads_source" {
  bucket = google_storage_bucket.source.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.identity["build"].member
}

# Named by its content: the same program is the same object, another program is another one, so a
# function is built again exactly when something in it changed.
resource "google_storage_bucket_object" "source" {
  bucket       = google_storage_bucket.source.name
  name         = "${var.name}-${filesha256(var.source_zip)}.zip"
  source       = var.source_zip
  content_type = "application/zip"
}
