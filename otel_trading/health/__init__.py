"""Checks of the application, and the server of /metrics and /health."""
