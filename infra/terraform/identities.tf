# Who is who. One identity for each function, one for the scheduler, one for the build; none has a
# key, and none has a role on the whole project that opens the films.

locals {
  identities = {
    api       = "Answers frontends: reads and writes the bucket, signs links"
    poll      = "Carries jobs to their end: reads and writes the bucket, signs links"
    scheduler = "Calls poll once a minute, and may do nothing else"
    build     = "Builds the functions' image: reads sources, writes images and logs"
  }
  functions = toset(["api", "poll"])
}

resource "google_service_account" "identity" {
  for_each = local.identities

  project      = var.project
  account_id   = "${var.name}-${each.key}"
  display_name = "${var.name} ${each.key}"
  description  = each.value

  depends_on = [google_project_service.needed]
}

# A link is signed by IAM's signBlob as the function's own account: an account that may make tokens
# for itself and for nobody else.
resource "google_service_account_iam_member" "signs_as_itself" {
  for_each = local.functions

  service_account_id = google_service_account.identity[each.key].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.identity[each.key].member
}

# What a build needs, from "Custom service account for Cloud Build" of the functions documentation.
resource "google_project_iam_member" "build" {
  for_each = toset(["roles/artifactregistry.writer", "roles/logging.logWriter"])

  project = var.project
  role    = each.value
  member  = google_service_account.identity["build"].member
}

# The same page asks for objectViewer on the project. A build runs other people's set-up code, so it
# sees only the buckets that the functions service makes for sources, never the films.
resource "google_project_iam_member" "build_sources" {
  project = var.project
  role    = "roles/storage.objectViewer"
  member  = google_service_account.identity["build"].member

  condition {
    title       = "sources-only"
    description = "Only the buckets in which the functions service keeps sources"
    expression  = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-\")"
  }
}
