"""Several questions at once, none of which may hold the others or the program up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from otel_trading.ground.clock import Deadline

T = TypeVar("T")


class _Question(Generic[T]):
    """One question on a thread of its own."""

    def __init__(self, name: str, ask: Callable[[], T]) -> None:
        self._ask = ask
        self.answers: list[T] = []
        self.errors: list[BaseException] = []
        # a daemon: a name server that does not answer holds getaddrinfo for as long as it likes
        self.thread = threading.Thread(target=self._run, name=f"otel_trading doctor {name}", daemon=True)

    def _run(self) -> None:
        try:
            self.answers.append(self._ask())
        except BaseException as error:
            self.errors.append(error)


def abreast(questions: Mapping[str, Callable[[], T]], deadline: Deadline) -> dict[str, T | None]:
    """Asks all questions side by side.

    Args:
        questions: by name.
        deadline: after which nobody waits any longer.

    Returns:
        The answers by name; None for a question that had no answer in time.

    Raises:
        BaseException: what the first question that failed raised; questions are expected not to.
    """
    asked = {name: _Question(name, ask) for name, ask in questions.items()}
    for question in asked.values():
        question.thread.start()
    for question in asked.values():
        question.thread.join(deadline.remaining_s())
    for question in asked.values():
        if question.errors:
            raise question.errors[0]
    return {name: question.answers[0] if question.answers else None for name, question in asked.items()}
