"""Owners are told how their jobs ended, and what became of telling them."""
