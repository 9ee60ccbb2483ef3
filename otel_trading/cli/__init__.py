"""The command line: `otel-trading demo | traces | trace | logs | config | doctor`, each command its own file."""
