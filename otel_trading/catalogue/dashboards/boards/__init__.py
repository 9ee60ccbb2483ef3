"""The dashboards themselves, one file a system or a subject."""
