"""The embedded store and the OTLP receiver in front of it: telemetry on a laptop without any backend."""
