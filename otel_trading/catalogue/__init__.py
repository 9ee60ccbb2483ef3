"""Typed instruments, one module an area, made from the registry of names in `registry/`.

from otel_trading.catalogue import risk

checks = risk.pretrade_check_duration.bind(check_type="position_limit")
"""
