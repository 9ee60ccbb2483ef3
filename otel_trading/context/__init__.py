"""Carriers: how the current span travels between threads, queues and processes of one's own."""
