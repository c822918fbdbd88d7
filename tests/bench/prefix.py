"""The second question over a 4,000-token prompt: time to first token against llama-server; after a restart, to cold.

    python -m tests.bench prefix --llama-server PATH [--long 4000] [--rounds 5] [--pairs 12] [--quick]

second      both sides are started and read a prompt of 4,000 tokens and a question; then they are asked another
            question behind the same 4,000 tokens by turns, again and again, each time a new one. What counts is the
            median of the pairs' ratios, since machines change their pace within seconds; wanted is no more than
            llama-server needs
restart     our side alone, started a second time with the same folder of saved states: the same question then takes at
            most 0.1 of what the cold one took

Clients and doors as in `streams`.
"""

import random
import statistics
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.kit import load_client, peers
from tests.kit.peers import Figures

SECOND, RESTARTED = 1.0, 0.1
QUESTION = 24  # tokens, after what is shared
SAVING = 60  # seconds to wait until the state is on the disk


def main(arguments: Sequence[str]) -> int:
    def more(parser: ArgumentParser) -> None:
        parser.add_argument("--long", type=int, default=4000)
        parser.add_argument("--pairs", type=int, default=12, help="second questions to both sides, in a round")
        parser.add_argument("--only", choices=("second", "restart"))

    given = peers.options(__doc__ or "", "prefix", arguments, "llama-server", more=more)
    if given.quick:
        given.long, given.pairs = 600, 3
    second = Pairs("second question, first token", "s", SECOND, more=False, digits=3)
    restarted = Figures("after a restart, first token", "s", RESTARTED, more=False, digits=3)
    with peers.model_of(given) as model:
        peers.say_flags(given.llama_server)
        rounds = _Rounds(given, model)
        for number in range(given.rounds):
            if given.only != "restart":
                peer, ours = rounds.second(ours_first=number % 2 > 0)
                second.peer += peer
                second.ours += ours
            if given.only != "second":
                cold, warm = rounds.restarted()
                restarted.peer.append(cold)
                restarted.ours.append(warm)
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    good = [one.show(peer) for one, peer in ((second, "llama-server"), (restarted, "cold")) if one.ours]
    return 0 if all(good) else 1


class Pairs(Figures):
    """What was measured by turns, a moment apart: the ratio is the median of the pairs' own."""

    @property
    def ratio(self) -> float:
        return statistics.median(ours / peer for ours, peer in zip(self.ours, self.peer, strict=True))


class _Rounds:
    def __init__(self, given: Namespace, model: Path) -> None:
        self._given, self._model = given, model
        self._size, self._chance = peers.vocabulary(model), random.Random(1)
        self._patience = peers.Patience(given.patience)
        self._asked: dict[str, Any] = {"threads": given.threads, "context": 2 * given.long + 1024, "parallel": 2}

    def second(self, *, ours_first: bool) -> tuple[list[float], list[float]]:
        """Times to first token of second questions to llama-server and to us, in pairs."""
        shared = self._tokens(self._given.long)
        with (
            peers.llama_server(self._given.llama_server, self._model, **self._asked) as theirs,
            peers.our_server(self._model, **self._asked) as ours,
        ):
            sides = [(ours, list[float]()), (theirs, list[float]())]
            for server, _ in sides:
                self._ask(server.port, self._tokens(32))
                self._ask(server.port, [*shared, *self._tokens(QUESTION)])
            for number in range(self._given.pairs):
                for server, took in sides if (number % 2 == 0) == ours_first else reversed(sides):
                    question = self._tokens(QUESTION)
                    self._patience.wait()
                    took.append(self._ask(server.port, [*shared, *question]).ttft)
        (_, mine), (_, others) = sides
        return others, mine

    def restarted(self) -> tuple[float, float]:
        """Time to first token of the same question, cold and after a restart."""
        shared, question = self._tokens(self._given.long), self._tokens(QUESTION)
        with tempfile.TemporaryDirectory() as name:
            states = Path(name)
            with peers.our_server(self._model, states=states, **self._asked) as server:
                self._ask(server.port, self._tokens(32), keep=False)
                self._patience.wait()
                cold = self._ask(server.port, [*shared, *question]).ttft
                saved = _until_saved(states)
            with peers.our_server(self._model, states=states, **self._asked) as server:
                self._ask(server.port, self._tokens(32), keep=False)
                self._patience.wait()
                warm = self._ask(server.port, [*shared, *question])
            if not warm.last.get("restored"):
                print(f"nothing was restored ({saved} bytes of states)", file=sys.stderr)
        return cold, warm.ttft

    def _tokens(self, count: int) -> list[int]:
        return [self._chance.randrange(self._size) for _ in range(count)]

    def _ask(self, port: int, prompt: list[int], *, keep: bool = True) -> load_client.Told:
        (told,) = load_client.ask(port, [load_client.body(prompt, 8, keep=keep, priority="person")])
        return told


def _until_saved(states: Path) -> int:
    """Bytes of what was saved, when they grow no more."""
    before, since, until = 0, time.monotonic(), time.monotonic() + SAVING
    while time.monotonic() < until:
        time.sleep(0.25)
        size = sum(file.stat().st_size for file in states.rglob("*") if file.is_file())
        if size != before:
            before, since = size, time.monotonic()
        elif size and time.monotonic() - since > 3:
            break
    return before
