"""Whom we talk to: DashScope, the bucket, the open web. Adapters do not know each other."""
