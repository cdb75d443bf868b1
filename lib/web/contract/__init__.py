"""The contract: calls and shapes in words, as OpenAPI and as a page."""
