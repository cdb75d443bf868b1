"""What is kept as small objects: jobs, keys, claims, gates, accounts, webhooks."""
