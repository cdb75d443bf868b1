"""Webhooks at the end of a job: announced, sent until delivered, and the log of the tries."""
