"""Pictures to try the service with, drawn by ourselves."""
