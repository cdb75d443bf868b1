"""The compat dialect: DashScope's paths and shapes under `/api/v1`."""
