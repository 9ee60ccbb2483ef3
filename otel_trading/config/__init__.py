"""From arguments, environment and file to one frozen Config, every mistake reported together."""
