"""Inside the app: programs that ask its engine again and again, who gets on in each of its steps, and steps that wait
until somebody looks."""

import threading
from dataclasses import dataclass, field

from backends.engine.protocol import Engine, GenerateRequest, Sampling, Turn
from backends.engine.scheduler import Scheduler
from backends.engine.sequence import PERSON, Sequence

_WORDS = "All this has to be read before a word can be said. "


@dataclass(slots=True)
class Steps:
    """Steps of the engine that computed anything while an answer to the person was under way, from its first token to
    its last: how many tokens it gained in each, and in how many of them others read or spoke. Nobody guesses words."""

    gained: list[int] = field(default_factory=list)
    others_read: int = 0
    others_spoke: int = 0

    def even(self, least: int) -> bool:
        """Each brought the person a token, also those, so many at least, in which others spoke, and in which others
        read."""
        shared = min(self.others_spoke, self.others_read)
        return shared >= least and min(self.gained) >= 1


def count_steps(steps: Steps) -> None:
    """From now on, of every scheduler."""
    step = Scheduler.step

    def counted(self: Scheduler) -> bool:
        before = {one: (one.held, len(one.tokens)) for one in self._running}
        busy = step(self)
        got = {one: (one.held - held, len(one.tokens) - said) for one, (held, said) in before.items() if one.slot >= 0}
        mine = [one for one in before if one.rank == PERSON and not _silent(one) and not one.over]
        if mine and any(held > 0 or said for held, said in got.values()):
            steps.gained.append(min(got[one][1] for one in mine))
            others = [held for one, (held, _) in got.items() if one.rank != PERSON]
            steps.others_read += any(held > 1 for held in others)
            steps.others_spoke += 1 in others
        return busy

    Scheduler.step = counted


def _silent(sequence: Sequence) -> bool:
    return len(sequence.tokens) == sequence.prompt


class Pace:
    """Every scheduler makes one step for each `look()`, until it is let go."""

    def __init__(self) -> None:
        self._looked = threading.Event()
        self._bound = True
        step, wait = Scheduler.step, self._wait

        def paced(self: Scheduler) -> bool:
            wait()
            return step(self)

        self._step, Scheduler.step = step, paced

    def look(self) -> None:
        self._looked.set()

    def let_go(self) -> None:
        Scheduler.step = self._step
        self._bound = False
        self._looked.set()

    def _wait(self) -> None:
        if self._bound:
            self._looked.wait()
            self._looked.clear()


class Hammer:
    """So many programs; each asks the next thing as soon as it has its answer, long and short prompts by turns."""

    def __init__(self, engine: Engine, programs: int) -> None:
        self._engine, self._over = engine, threading.Event()
        self.answered = [0] * programs
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(programs)]
        for thread in self._threads:
            thread.start()

    def _ask(self, number: int) -> None:
        while not self._over.is_set():
            count = self.answered[number]
            words = f"{number}.{count}: " + _WORDS * (1 + 7 * ((number + count) % 2))
            request = GenerateRequest(
                [Turn("user", words)], Sampling(temperature=0), 4 + number, ignore_end=True, priority="api"
            )
            for _ in self._engine.generate(request).gulps():
                pass
            self.answered[number] += 1

    def rest(self) -> None:
        """Each has its last answer."""
        self._over.set()
        for thread in self._threads:
            thread.join()
