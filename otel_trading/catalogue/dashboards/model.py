"""What a dashboard is made of, before it is Grafana's: rows, panels, queries, and who asked for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["timeseries", "stat", "gauge", "histogram", "heatmap", "table", "timeline", "logs", "alerts"]
"""`histogram` is a bar for each bucket, `timeline` the states of something, `alerts` Grafana's list of alerts."""
Style: TypeAlias = Literal["lines", "stacked", "bars"]
Color: TypeAlias = Literal["green", "yellow", "orange", "red", "blue", "text"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where something is asked for.

    Attributes:
        seed: number of a system's document.
        section: of the document.
        panel: as the document calls it; empty where it names none.
    """

    seed: str
    section: str
    panel: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """One expression of PromQL, or of Lucene where a panel shows logs.

    Attributes:
        expr: the expression.
        legend: with labels in double braces; empty for all labels.
        was: what the system's document says, where that is not what is asked.
        why: what is wrong with it, a sentence.
    """

    expr: str
    legend: str = ""
    was: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """From which value on a colour holds; None for the first, which has no lower end."""

    color: Color
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """How one value is shown."""

    text: str
    color: Color


@dataclass(frozen=True, slots=True)
class Link:
    """Where a panel or dashboard leads."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        title: as the system's document spells it, where it has one.
        queries: of Prometheus.
        logs: a query of Elasticsearch instead; only with the kinds logs and table.
        unit: Grafana's name of it.
        steps: colours by value, ascending; the first without a value.
        values: what is shown instead of a value.
        minimum: of the axis or the gauge; None leaves it to the data.
        maximum: likewise.
        style: of a time series.
        change: a number also says by how much it changed.
        label: of the axis.
        interval: shortest step between two points, such as `5m`; empty leaves it to Grafana.
        rows: most that are listed; of the kinds table and logs.
        sources: who asked for it.
    """

    title: str
    kind: Kind
    queries: tuple[Query, ...] = ()
    logs: Query | None = None
    unit: str = "short"
    description: str = ""
    steps: tuple[Step, ...] = ()
    values: Mapping[float, Shown] = field(default_factory=dict)
    minimum: float | None = None
    maximum: float | None = None
    style: Style = "lines"
    change: bool = False
    label: str = ""
    interval: str = ""
    rows: int = 100
    links: tuple[Link, ...] = ()
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """Panels side by side under a title.

    Attributes:
        columns: in a line; 0 for all, up to four.
    """

    title: str
    panels: tuple[Panel, ...]
    columns: int = 0


@dataclass(frozen=True, slots=True)
class Variable:
    """What a reader chooses: a label's values, or a text if there is no label."""

    name: str
    title: str
    metric: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard.

    Attributes:
        path: of its file below the folder of dashboards; Grafana shows the directory as a folder.
        uid: by which links find it; never changed.
        refresh: how often it asks anew.
        back: how far it looks back.
    """

    path: PurePosixPath
    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    refresh: str = "10s"
    back: str = "1h"
    variables: tuple[Variable, ...] = ()
    links: tuple[Link, ...] = ()
    sources: tuple[Source, ...] = ()

    def panels(self) -> Iterator[Panel]:
        """In the order in which they are read."""
        for row in self.rows:
            yield from row.panels

    def queries(self) -> Iterator[tuple[Panel, Query]]:
        """All expressions, each with its panel."""
        for panel in self.panels():
            for query in panel.queries:
                yield panel, query
