"""The native dialect: `/v1/...`."""
