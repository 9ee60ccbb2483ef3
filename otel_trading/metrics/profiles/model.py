"""What a profile says: the metrics of an existing system, and what each of them is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ExportedType = Literal["counter", "gauge", "histogram"]
Merge = Literal["sum", "last", "max", "min", "farthest"]
Derived = Literal["rate", "peak", "mean", "ratio", "share", "max", "quantile", "daily"]
HealthForm = Literal["json", "text", "bog"]


@dataclass(frozen=True, slots=True)
class Label:
    """Where a label's value comes from; one of the first three.

    Attributes:
        name: of the label.
        attribute: key on the canonical series; one that is not there is an empty text.
        resource: key on the resource.
        constant: the value itself.
        values: from what is recorded to what is shown; what is not in it stays as it is.
    """

    name: str
    attribute: str = ""
    resource: str = ""
    constant: str = ""
    values: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A canonical metric that an exported one shows.

    Attributes:
        canonical: name of the canonical metric.
        unit: in which it is recorded.
        where: attributes, as text, that a series must have.
        labels: one for each label of the exported metric, in its order.
        role: numerator or denominator of a ratio.
        within: of a share: the bound, in the canonical unit, up to which an event kept its target.
    """

    canonical: str
    unit: str
    where: tuple[tuple[str, str], ...] = ()
    labels: tuple[Label, ...] = ()
    role: Literal["", "numerator", "denominator"] = ""
    within: float | None = None


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a number is made of what was recorded over time.

    Attributes:
        kind: `rate` and `mean`: increase a second over the window, a short one or a long one. `peak`: the highest rate
            of a step within the window. `ratio`: increase of numerators by that of denominators. `share`: of the
            events of the window, those within their target. `max`: upper bound of the highest bucket that grew in the
            window. `quantile`: of what was recorded in the window, between the bounds of its bucket.
            `daily`: increase since midnight UTC.
        window_s: what is looked back upon.
        step_s: least time between two samples that are kept.
        quantile: which one, 0 to 1.
        quantiles: several, each over each of `windows_s`; the labels `quantile` and `window` tell which.
        windows_s: at most `window_s`.
    """

    kind: Derived
    window_s: float = 0.0
    step_s: float = 1.0
    quantile: float = 0.0
    quantiles: tuple[float, ...] = ()
    windows_s: tuple[float, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of labels that the derivation adds."""
        return ("quantile", "window") if self.quantiles else ()


@dataclass(frozen=True, slots=True)
class Exported:
    """A metric as the system spells it.

    Attributes:
        name: as it stands on the page, whatever the translation strategy.
        type: TYPE on the page.
        help: HELP on the page.
        scale: what numbers in the canonical unit are multiplied by.
        labels: names, in the order of the page.
        buckets: float[n_bounds] of a histogram, in the exported unit.
        below: bounds below the first one that cells have besides, so that negative values are taken; never shown.
        sources: at least one; series that come to the same labels are merged.
        merge: how gauges are merged, `farthest` to the one farthest from 0 with its sign; everything else is summed.
        zero: label values that are on the page before anything was recorded.
        derive: None for what is shown as it was recorded.
        dropped: labels of the system that are not shown, each with the reason.
        added: the system does not have it; another part of it needs it.
    """

    name: str
    type: ExportedType
    help: str
    sources: tuple[Source, ...]
    scale: float = 1.0
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    below: tuple[float, ...] = ()
    merge: Merge = "last"
    zero: tuple[tuple[str, ...], ...] = ()
    derive: Derivation | None = None
    dropped: Mapping[str, str] | None = None
    added: bool = False


@dataclass(frozen=True, slots=True)
class Departure:
    """Where a profile is not what the system's document says, and why."""

    about: str
    reason: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where the system serves its metrics.

    Attributes:
        host: that the document binds to; a profile never opens another than loopback by itself.
        port: None where the document has none.
        path: of the page.
        ports: by name of the service, where they differ.
    """

    host: str = "localhost"
    port: int | None = None
    path: str = "/metrics"
    ports: Mapping[str, int] | None = None

    def port_of(self, service: str) -> int | None:
        """The port of a service; that of the profile for one that the document does not know."""
        return (self.ports or {}).get(service, self.port)


@dataclass(frozen=True, slots=True)
class Job:
    """A scrape job; `labels` are set on its targets, `honor_labels` lets those of the metrics win."""

    name: str
    interval: str
    targets: tuple[str, ...]
    labels: Mapping[str, str]
    honor_labels: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """One existing system.

    Attributes:
        name: as in `init(profile=...)`.
        seed: number of its document.
        brief: what it is.
        health: form of /health.
        place: where it serves.
        jobs: how Prometheus asks it.
        departures: besides the dropped labels.
        metrics: in the order of the document.
    """

    name: str
    seed: str
    brief: str
    health: HealthForm
    place: Place
    jobs: tuple[Job, ...]
    departures: tuple[Departure, ...]
    metrics: tuple[Exported, ...]
