"""What has to be looked at before an answer is computed, while the engine goes on: its grammar, and adapters that are
new here."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, Cancelled
from backends.core.stream import Runner
from backends.engine.asked import Asked
from backends.engine.grammar import Checks
from backends.engine.protocol import Adapter, Format
from backends.engine.scheduler import Scheduler
from backends.engine.sequence import Sequence as Answer
from backends.engine.trial import attempt_adapters


class Preparations:
    """`post` takes what comes of it to the engine's thread."""

    def __init__(self, post: Callable[[Asked], None]) -> None:
        self._post = post
        self._checks, self._trials = Checks(), Runner("adapters")

    def start(self, answer: Answer, scheduler: Scheduler, model: Path) -> None:
        """Of an answer that was just submitted; it waits until all of it is settled."""
        if answer.wanted is not None:
            self._check(answer, answer.wanted, scheduler, model)
        if answer.untried:
            self._try(answer, scheduler, model)

    def _check(self, answer: Answer, wanted: Callable[[], Format | str], scheduler: Scheduler, model: Path) -> None:
        def done(outcome: str | BackendError | Cancelled) -> None:
            self._post(Asked(answer.stream, lambda: scheduler.settle(answer, outcome), urgent=True))

        self._checks.start(wanted, model, answer.stream.token, done)

    def _try(self, answer: Answer, scheduler: Scheduler, model: Path) -> None:
        trial = self._trials.start(_tried, model, answer.untried)
        answer.stream.token.on_cancel(trial.cancel)

        def call() -> None:
            outcome: BackendError | None = None
            try:
                trial.drain()
            except BackendError as error:
                outcome = error
            scheduler.settle_adapters(answer, outcome)

        def look() -> None:
            if trial.wait(0):
                self._post(Asked(answer.stream, call, urgent=True))

        trial.on_wake(look)

    def close(self) -> None:
        """When all answers are cancelled."""
        self._checks.close()
        self._trials.close()


def _tried(model: Path, adapters: Sequence[Adapter], *, cancel: CancelToken) -> Iterator[None]:
    attempt_adapters(model, adapters, cancel=cancel)
    yield from ()
