"""A job: what was asked, where it stands, how it ended."""
