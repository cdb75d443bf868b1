"""What `infra/dev deploy` does: builds the zip, shows Terraform's plan, calls Terraform."""
