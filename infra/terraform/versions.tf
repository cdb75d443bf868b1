# Which Terraform and which provider. 6.40 is the oldest google provider that knows every argument
# used here; 9.0 is not out, and major versions of it rename arguments.

terraform {
  required_version = ">= 1.9.0, < 2.0.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.40, < 9.0"
    }
  }
}

provider "google" {
  project = var.project
  region  = var.region
}
