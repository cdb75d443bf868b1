"""The contract: calls and shapes described, as OpenAPI and as a page."""
