"""Meter provider, instruments, bound handles, views, readers and the Prometheus exposition."""
