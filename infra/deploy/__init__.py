"""What `infra/dev deploy` does: builds the zip, tells the plan, calls Terraform."""
