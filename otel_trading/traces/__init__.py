"""Tracer provider, span, sampler, and which headers may leave."""
