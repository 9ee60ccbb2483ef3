"""Sends a canary through the configured route and says which hop loses it, and what else is wrong around."""
