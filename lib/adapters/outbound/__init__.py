"""Connections to hosts of others: which are allowed, and for how long."""
