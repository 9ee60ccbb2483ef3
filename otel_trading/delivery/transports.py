"""From an ExporterPlan to the transport that serves it."""

from __future__ import annotations

from typing import Any

from otel_trading.config.plan import OTLP_GRPC, OTLP_HTTP, ExporterPlan
from otel_trading.delivery.otlp_grpc import OtlpGrpc
from otel_trading.delivery.otlp_http import OtlpHttp
from otel_trading.delivery.outcome import Transport
from otel_trading.delivery.stock import StockExporter
from otel_trading.ground.errors import ConfigurationError, Problem


def create(signal: str, plan: ExporterPlan) -> Transport[Any]:
    """The transport of a plan.

    Raises:
        ConfigurationError: an unknown exporter, or a certificate file that cannot be used.
    """
    try:
        if plan.kind == OTLP_HTTP:
            return OtlpHttp(signal, plan)
        if plan.kind == OTLP_GRPC:
            return OtlpGrpc(signal, plan)
        return StockExporter(signal, plan)
    except LookupError:
        rule = "otlp, console, none or the name of an installed exporter"
        advice = "Install the package that brings it, or choose another."
        raise ConfigurationError(
            [Problem(f"{signal}_exporter", "configuration", rule, repr(plan.kind), advice)]
        ) from None
    except OSError as error:
        files = [path for path in (plan.certificate, plan.client_certificate, plan.client_key) if path]
        rule, advice = "readable PEM files that belong together", f"{error}. Check the files."
        raise ConfigurationError([Problem("otlp_certificate", "configuration", rule, repr(files), advice)]) from error
