"""What leaves the process: redaction of secrets, and the hosts that may see trace headers."""
