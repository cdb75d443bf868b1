"""Pictures and films, judged by their bytes."""
