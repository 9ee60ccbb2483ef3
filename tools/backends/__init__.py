"""Obtains, starts and stops the servers of `make backends`, with nothing but the standard library."""
