"""Logs: structlog is the way in, the standard library is bridged; one stdout line and one OTLP record an event."""
