"""The command line: `otel-trading demo | traces | trace | logs | config`, each command its own file."""
