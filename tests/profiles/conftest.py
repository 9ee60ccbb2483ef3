"""Fixtures of the tests of profiles."""

from profiles.profile_pages import still

__all__ = ["still"]
