"""What carries a job forward: send, poll, reconcile, copy, finish."""
