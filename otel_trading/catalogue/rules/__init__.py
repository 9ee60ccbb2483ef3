"""Recording rules, alerts and runbooks: what a catalogue says about when somebody is called."""
