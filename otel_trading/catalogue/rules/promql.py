"""Looks into expressions: whether they parse, and whether every metric and label in them exists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from otel_trading.catalogue.mistakes import nearest
from otel_trading.ground.errors import OtelTradingError

if TYPE_CHECKING:
    import promql_parser as promql

Labels = frozenset[str]
Series = Mapping[str, Labels]
"""Labels by the name of the series."""
NO_LABELS: Labels = frozenset()


class ParserMissing(OtelTradingError):
    """The parser of expressions is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "rules are written and checked with the package promql-parser, which is not installed. "
            "Install otel-trading[rules]."
        )


def mistakes(expression: str, known: Series) -> list[tuple[str, str]]:
    """What is wrong with an expression: what was found, and what to write instead.

    Raises:
        ParserMissing: promql-parser is not installed.
    """
    return _Reader(known).read(expression)[1]


def labels_of(expression: str, known: Series) -> Labels:
    """Labels that the result of an expression can have.

    Raises:
        ParserMissing: promql-parser is not installed.
    """
    return _Reader(known).read(expression)[0]


class _Reader:
    """Walks through one expression; what is wrong is noted."""

    def __init__(self, known: Series) -> None:
        self._known = known
        self._found: list[tuple[str, str]] = []
        self._lost = False
        """A metric is unknown, and so are its labels: they are no mistakes besides."""

    def read(self, expression: str) -> tuple[Labels, list[tuple[str, str]]]:
        try:
            import promql_parser
        except ImportError:
            raise ParserMissing from None
        try:
            tree = promql_parser.parse(expression)
        except ValueError as error:
            return NO_LABELS, [(str(error), "Mend the expression.")]
        return self._labels(tree), self._found

    def _labels(self, node: promql.Expr) -> Labels:
        import promql_parser as promql

        if isinstance(node, promql.VectorSelector):
            return self._selected(node)
        if isinstance(node, promql.MatrixSelector):
            return self._selected(node.vector_selector)
        if isinstance(node, promql.AggregateExpr):
            return self._aggregated(node)
        if isinstance(node, promql.BinaryExpr):
            return self._joined(node)
        if isinstance(node, promql.Call):
            return self._called(node)
        if isinstance(node, (promql.ParenExpr, promql.UnaryExpr, promql.SubqueryExpr)):
            return self._labels(node.expr)
        return NO_LABELS

    def _selected(self, node: promql.VectorSelector) -> Labels:
        labels = self._known.get(node.name) if node.name else None
        if labels is None:
            fix = nearest(node.name, self._known, "Name a metric of the registry, of a profile, or a recorded series.")
            self._found.append((f"the metric {node.name or 'without a name'}", fix))
            self._lost = True
            return NO_LABELS
        self._exist([matcher.name for matcher in node.matchers.matchers], labels, f"on {node.name}")
        return labels

    def _aggregated(self, node: promql.AggregateExpr) -> Labels:
        inner = self._labels(node.expr)
        if node.modifier is None:
            keeps = str(node.op) in ("topk", "bottomk", "limitk")
            return inner if keeps else NO_LABELS
        named = frozenset(node.modifier.labels)
        if str(node.modifier.type).endswith("Without"):
            return inner - named
        self._exist(named, inner, "where it is summed up by it")
        return named

    def _joined(self, node: promql.BinaryExpr) -> Labels:
        left, right = self._labels(node.lhs), self._labels(node.rhs)
        modifier = node.modifier
        if modifier is None:
            return left | right if str(node.op) == "or" else left or right
        matching, group = modifier.matching, frozenset(modifier.group_labels or ())
        on = frozenset(matching.labels) if matching else NO_LABELS
        if matching and str(matching.type).endswith("Include"):
            self._exist(on, left, "on the left side")
            self._exist(on, right, "on the right side")
        if str(node.op) == "or":
            return left | right
        if str(modifier.card).endswith("OneToMany"):
            return right | group
        return left | group

    def _called(self, node: promql.Call) -> Labels:
        inner = NO_LABELS.union(*(self._labels(argument) for argument in node.args))
        name = node.func.name
        if name == "histogram_quantile":
            return inner - {"le"}
        if name in ("vector", "scalar", "time"):
            return NO_LABELS
        if name in ("label_replace", "label_join"):
            return inner | {str(getattr(node.args[1], "val", ""))}
        return inner

    def _exist(self, labels: Iterable[str], known: Labels, where: str) -> None:
        for label in labels:
            if label not in known and not self._lost:
                fix = nearest(label, known, f"Known here: {', '.join(sorted(known)) or 'none'}.")
                self._found.append((f"the label {label} {where}", fix))
