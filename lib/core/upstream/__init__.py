"""What is said to the upstream and what it can answer, as closed types."""
