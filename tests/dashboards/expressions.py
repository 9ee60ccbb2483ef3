"""What an expression of PromQL asks for: names and labels, each known or a mistake, and the labels of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import promql_parser
import yaml
from dashboards.dashboard_files import ROOT

from otel_trading.catalogue.dashboards import by_kind
from otel_trading.catalogue.reading import ours
from otel_trading.config.knob import PROFILES
from otel_trading.metrics.profiles.reading import read

RULES = ROOT / "collector-config/prometheus"
TARGET = frozenset({"job", "instance"})
COLLECTOR = TARGET | {"service_name", "service_version", "service_instance_id", "otel_scope_name"}
STOCK: Mapping[str, frozenset[str]] = {
    # of Prometheus for each target, and of itself
    "up": TARGET | {"service", "strategy"},
    "scrape_samples_scraped": TARGET,
    "scrape_duration_seconds": TARGET,
    "prometheus_tsdb_head_series": TARGET,
    "ALERTS": TARGET | {"alertname", "alertstate", "severity", "team", "profile", "family", "role"},
    # of the collectors
    "otelcol_receiver_accepted_spans_total": COLLECTOR | {"receiver", "transport"},
    "otelcol_receiver_accepted_log_records_total": COLLECTOR | {"receiver", "transport"},
    "otelcol_exporter_queue_size": COLLECTOR | {"exporter"},
    "otelcol_exporter_sent_spans_total": COLLECTOR | {"exporter"},
    "otelcol_exporter_sent_log_records_total": COLLECTOR | {"exporter"},
    "otelcol_exporter_send_failed_spans_total": COLLECTOR | {"exporter"},
    "otelcol_exporter_send_failed_log_records_total": COLLECTOR | {"exporter"},
    "otelcol_exporter_send_failed_metric_points_total": COLLECTOR | {"exporter"},
    "otelcol_elasticsearch_docs_processed_total": COLLECTOR | {"outcome", "http_response_status_code", "error_type"},
    "otelcol_process_memory_rss_bytes": COLLECTOR,
    "jaeger_storage_bulk_index_errors_total": TARGET,
}
"""Series that neither the registry, a profile nor a rule of ours makes."""


@dataclass
class Known:
    """Labels of every series by its name, and mistakes that were found with them."""

    series: dict[str, frozenset[str]]
    mistakes: list[str] = field(default_factory=list)

    def answer(self, expr: str) -> frozenset[str]:
        """Labels that the answer of an expression may have."""
        return self._labels(promql_parser.parse(expr))

    def _labels(self, node: Any) -> frozenset[str]:
        match type(node).__name__:
            case "NumberLiteral" | "StringLiteral":
                return frozenset()
            case "VectorSelector":
                return self._selected(node)
            case "MatrixSelector":
                return self._selected(node.vector_selector)
            case "AggregateExpr":
                return self._aggregated(node)
            case "BinaryExpr":
                return self._joined(node)
            case "Call":
                return self._called(node)
            case "ParenExpr" | "SubqueryExpr" | "UnaryExpr":
                return self._labels(node.expr)
            case kind:
                raise AssertionError(f"nobody taught this test about {kind}")

    def _called(self, node: Any) -> frozenset[str]:
        found = frozenset[str]().union(*map(self._labels, node.args))
        if node.func.name in ("label_replace", "label_join"):
            return found | {node.args[1].val}
        return found - {"le"} if node.func.name == "histogram_quantile" else found

    def _selected(self, node: Any) -> frozenset[str]:
        if node.name not in self.series:
            self.mistakes.append(f"no series {node.name}")
            return frozenset()
        known = self.series[node.name]
        self._check((matcher.name for matcher in node.matchers.matchers), known, node.name)
        return known

    def _aggregated(self, node: Any) -> frozenset[str]:
        inner = self._labels(node.expr)
        if str(node.op) in ("topk", "bottomk"):
            return inner
        if node.modifier is None:
            return frozenset()
        labels = frozenset(node.modifier.labels)
        self._check(labels, inner, str(node.expr))
        return labels if str(node.modifier).startswith("by") else inner - labels

    def _joined(self, node: Any) -> frozenset[str]:
        left, right = self._labels(node.lhs), self._labels(node.rhs)
        matching = node.modifier.matching if node.modifier else None
        if matching is not None:
            self._check(matching.labels, left, str(node.lhs))
            self._check(matching.labels, right, str(node.rhs))
        return left | right

    def _check(self, labels: Any, known: frozenset[str], where: str) -> None:
        self.mistakes += [f"no label {label} in {where}" for label in labels if label not in known]


def known() -> Known:
    """Series of the registry, of the profiles, of the rules that are shipped, and the stock ones."""
    series = dict(STOCK)
    for metric in ours().metrics:
        series |= _family(by_kind.of_registry(metric), TARGET)
    for name in PROFILES:
        profile = read(name)
        # a job's labels are on every series of its targets
        of_jobs = frozenset(label for job in profile.jobs for label in job.labels)
        for one in profile.metrics:
            series |= _family(by_kind.of_profile(one), TARGET | of_jobs)
    found = Known(series)
    _add_rules(found)
    return found


def _family(one: by_kind.Measured, target: frozenset[str]) -> dict[str, frozenset[str]]:
    labels = frozenset(one.labels) | target
    if one.shape != "histogram":
        return {one.name: labels}
    return {f"{one.name}_bucket": labels | {"le"}, f"{one.name}_sum": labels, f"{one.name}_count": labels}


def _add_rules(found: Known) -> None:
    for path in [RULES / "rules.yml", *sorted((RULES / "rules").glob("*.yml"))]:
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                if "record" in rule:
                    labels = found.answer(rule["expr"]) | set(rule.get("labels", ()))
                    found.series[rule["record"]] = found.series.get(rule["record"], frozenset()) | labels
