"""The frozen result of configuration: each value with the place it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from otel_trading.config.kinds import without_credentials
from otel_trading.config.knobs import KNOBS

if TYPE_CHECKING:
    from otel_trading.config.config_file import ConfigFile

MASK = "***"
RANKS = {"argument": 0, "file": 1, "own environment": 1, "standard environment": 2, "default": 3}


@dataclass(frozen=True, slots=True)
class Setting:
    """One value and its source.

    Attributes:
        value: the checked value.
        origin: one of the keys of `RANKS`, strongest first.
        source: for people: `argument`, the variable's name, `otel.yaml:12` or `default`.
    """

    value: Any
    origin: str
    source: str


@dataclass(frozen=True)
class Config(Mapping[str, Any]):
    """What `init()` works from; a mapping from knob name to value.

    Attributes:
        settings: every knob with its source.
        file: the declarative file, if there is one; then the standard parts come from it and not from the knobs.
    """

    settings: Mapping[str, Setting]
    file: ConfigFile | None = field(default=None, compare=False)

    def __getitem__(self, name: str) -> Any:
        return self.settings[name].value

    def __iter__(self) -> Iterator[str]:
        return iter(self.settings)

    def __len__(self) -> int:
        return len(self.settings)

    def explicit(self, name: str) -> bool:
        """True if somebody set the knob, wherever."""
        return self.settings[name].origin != "default"

    def signal(self, signal: str, name: str) -> Any:
        """The OTLP setting `name` for one signal: the signal's own unless the general one has a stronger source."""
        own, general = self.settings[f"otlp_{signal}_{name}"], self.settings[f"otlp_{name}"]
        if own.value is not None and RANKS[own.origin] <= RANKS[general.origin]:
            return own.value
        return general.value

    def rows(self) -> list[dict[str, Any]]:
        """One row a knob or file entry: name, value (secrets masked), unit and source; for `otel-trading config`."""
        rows = [
            {"name": name, "value": shown(name, setting.value), "unit": KNOBS[name].unit, "source": setting.source}
            for name, setting in self.settings.items()
        ]
        return rows if self.file is None else rows + self.file.rows()


def shown(name: str, value: Any) -> Any:
    """The value as it may be printed: secrets are masked, objects rendered."""
    if KNOBS[name].secret and value:
        return dict.fromkeys(value, MASK) if isinstance(value, Mapping) else MASK
    if isinstance(value, tuple):
        return [item if isinstance(item, (str, int, float, bool)) else repr(item) for item in value]
    return without_credentials(value) if isinstance(value, str) else value
