"""The protocol's decisions as pure functions: what a report, a list, a lease mean for a job."""
