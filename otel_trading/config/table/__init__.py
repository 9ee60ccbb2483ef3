"""The one table of knobs, a file a group."""
