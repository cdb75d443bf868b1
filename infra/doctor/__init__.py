"""What `infra/dev doctor` does: looks, says what was found, and which command mends what fails."""
