"""The demo: four small trading services in four processes, and the telemetry of an order across them."""
