"""What callers ask for: make, look, list, cancel, delete, make again."""
