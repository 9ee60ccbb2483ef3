"""Profiles: what an existing system calls its metrics, shown on /metrics in place of the canonical names."""
