from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_trading.viewer.reader import StoreReader
from otel_trading.viewer.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "store.sqlite")
    yield made
    made.close()


@pytest.fixture
def reader(store: Store) -> Iterator[StoreReader]:
    with StoreReader(store.path) as made:
        yield made
