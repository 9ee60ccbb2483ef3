"""How often the process was forked, and what must begin anew in a child."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Inherited(Protocol):
    """Something whose content belongs to the parent."""

    def begin_anew(self) -> None:
        """Empty, and with a lock that nobody holds."""


class Forks:
    """Of this process and its ancestors since the module was loaded."""

    count = 0
    inherited: WeakSet[Inherited] = WeakSet()


def _after_fork_in_child() -> None:
    Forks.count += 1
    for each in list(Forks.inherited):
        each.begin_anew()


os.register_at_fork(after_in_child=_after_fork_in_child)
