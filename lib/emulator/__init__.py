"""Stand-ins for DashScope, Cloud Storage and Cloud Scheduler; imports nothing else of `lib`."""
