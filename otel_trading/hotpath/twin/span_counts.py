"""How many spans began, by what became of them and where their parents are, and how many have not ended."""

from __future__ import annotations

from collections import deque

LEFT_OUT, RECORDS, SAMPLES = 0, 3, 6
"""What became of a span: it does not record, it records only, it records and is sampled;"""
ROOT, LOCAL, REMOTE = 0, 1, 2
"""and its origin: no parent, one of this process, one of another. The sum of both is a place."""
_PLACES = 9
_MANY = 1000


class Counts:
    """Exact under threads: a beginning and an end are appended, which is one step, and counted by the lock's holder."""

    __slots__ = ("_ended", "_started", "begun", "unsampled_ended")

    def __init__(self) -> None:
        self.begun: deque[int] = deque()
        """A place for each span that began."""
        self.unsampled_ended: deque[None] = deque()
        """One for each that recorded only."""
        self._started = [0] * _PLACES
        self._ended = [0, 0]

    def sampled_ended(self) -> None:
        """One came into the arena."""
        self._ended[1] += 1

    def many(self) -> bool:
        """Whether it is time to `settle`, so that nothing grows."""
        return len(self.begun) > _MANY or len(self.unsampled_ended) > _MANY

    def settle(self) -> None:
        """Counts what was appended."""
        begun, ended = self.begun, self.unsampled_ended
        while ended:
            ended.popleft()
            self._ended[0] += 1
        while begun:
            self._started[begun.popleft()] += 1

    def told(self) -> dict[str, tuple[int, ...]]:
        """As `Arena.counts`."""
        self.settle()
        started = tuple(self._started)
        live = (sum(started[RECORDS:SAMPLES]) - self._ended[0], sum(started[SAMPLES:]) - self._ended[1])
        return {"started": started, "live": live}
