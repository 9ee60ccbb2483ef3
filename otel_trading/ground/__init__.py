"""Clock, errors, diagnostics and value conversion: what every other room stands on and nothing else needs."""
