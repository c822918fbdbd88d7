"""Eight streams against llama-server -np 8 -kvu: all together wanted 1.05; gaps while a long prompt arrives, 0.5.

    python -m tests.bench streams --llama-server PATH [--streams 8] [--prompt 128] [--generate 128] [--long 4000]
        [--rounds 5] [--quick]

Both sides are processes behind a local port, and the client is the same (tests/kit/load_client.py); ours stands behind
the small door of tests/kit/door.py. Each round starts both sides anew, one after the other, and warms them up.

together    tokens of all streams a second, from the asking to the last token; prompts are random tokens. The processor
            time that the server took for it stands beside: with --threads 1 other programs disturb that little
gap         one stream runs; a prompt of 4,000 tokens arrives; p95 of the gaps between the tokens of the running one
            from then until the new one's first token. Its time to first token, what that costs it, stands beside.
person      the person at the window reads an answer while as many programs as there are streams ask again and again:
            p95 of the gaps between its tokens, beside llama-server's, which knows no persons, and beside ours alone
"""

import random
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from backends.services.benching import percentile
from tests.kit import load_client, peers
from tests.kit.peers import Figures, Running

TOGETHER, GAP = 1.05, 0.5
BEFORE = 16  # tokens of the running stream, before the long prompt arrives


def main(arguments: Sequence[str]) -> int:
    def more(parser: ArgumentParser) -> None:
        parser.add_argument("--streams", type=int, default=8)
        parser.add_argument("--prompt", type=int, default=128)
        parser.add_argument("--generate", type=int, default=128)
        parser.add_argument("--long", type=int, default=4000)
        parser.add_argument("--top-k", type=int, default=0, help="sample among so many; 0: greedy")
        parser.add_argument("--only", choices=("together", "gap", "person"))

    given = peers.options(__doc__ or "", "streams", arguments, "llama-server", more=more)
    if given.quick:
        given.prompt, given.generate, given.long = 32, 16, 700
    with peers.model_of(given) as model:
        peers.say_flags(given.llama_server)
        rounds = Rounds(given, model)
        figures = rounds.run()
    good = [one.show("llama-server") for one in figures if one.ours]
    if rounds.alone.ours:
        rounds.alone.show("alone")
    return 0 if all(good) else 1


class Rounds:
    def __init__(self, given: Namespace, model: Path) -> None:
        self._given, self._model = given, model
        self._size, self._chance = peers.vocabulary(model), random.Random(1)
        self._together = Figures(f"{given.streams} streams together", "tokens/s", TOGETHER)
        self._processor = Figures("processor time of that", "s", None, more=False, digits=2)
        self._gap = Figures(f"p95 gap while {given.long} tokens are read", "ms", GAP, more=False)
        self._first = Figures("first token of those", "s", None, more=False, digits=2)
        beside = f"p95 gap of a person's answer beside {given.streams} programs"
        self._person = Figures(beside, "ms", None, more=False)
        self.alone = Figures(f"{beside}, to alone", "ms", None, more=False)

    def run(self) -> tuple[Figures, ...]:
        patience = peers.Patience(self._given.patience)
        context = max(
            self._given.streams * (self._given.prompt + self._given.generate + 8), 2 * self._given.long + 2048
        )
        asked: dict[str, Any] = {"threads": self._given.threads, "context": context, "parallel": self._given.streams}
        sides: list[tuple[str, Callable[[], AbstractContextManager[Running]]]] = [
            ("peer", lambda: peers.llama_server(self._given.llama_server, self._model, **asked)),
            ("ours", lambda: peers.our_server(self._model, **asked)),
        ]
        for number in range(self._given.rounds):
            for side, start in sides if number % 2 == 0 else reversed(sides):
                with start() as server:
                    load_client.ask(server.port, [self._body(32, 8)])
                    patience.wait()
                    self._round(side, server)
                print(".", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        return self._together, self._processor, self._gap, self._first, self._person

    def _round(self, side: str, server: Running) -> None:
        only = self._given.only
        if only in (None, "together"):
            before = server.processor
            getattr(self._together, side).append(self._all_at_once(server.port))
            getattr(self._processor, side).append(server.processor - before)
        if only in (None, "gap"):
            gap, first = self._arriving(server.port)
            getattr(self._gap, side).append(1000 * gap)
            getattr(self._first, side).append(first)
        if only in (None, "person"):
            getattr(self._person, side).append(1000 * self._read_by_a_person(server.port, self._given.streams))
            if side == "ours":
                self.alone.ours.append(self._person.ours[-1])
                self.alone.peer.append(1000 * self._read_by_a_person(server.port, 0))

    def _all_at_once(self, port: int) -> float:
        given = self._given
        told = load_client.ask(port, [self._body(given.prompt, given.generate) for _ in range(given.streams)])
        tokens = sum(one.last["tokens_predicted"] for one in told)
        assert tokens == given.streams * given.generate, tokens
        return tokens / (max(one.end for one in told) - min(one.asked for one in told))

    def _arriving(self, port: int) -> tuple[float, float]:
        """The p95 gap of the running stream while the other one is read, and that one's time to first token."""

        def later(told: list[load_client.Told]) -> dict[str, Any] | None:
            return self._body(self._given.long, 4) if len(told) == 1 and told[0].seen >= BEFORE else None

        running = self._body(64, max(4 * BEFORE, self._given.generate, self._given.long // 4))
        first, second = load_client.ask(port, [running], later)
        return percentile(first.gaps(second.asked, second.times[0]), 95), second.ttft

    def _read_by_a_person(self, port: int, programs: int) -> float:
        """The p95 gap of an answer while so many programs ask again and again, until it is complete."""
        asked = self._given.generate

        def later(told: list[load_client.Told]) -> dict[str, Any] | None:
            under_way = sum(not one.over for one in told[1:])
            if told[0].over or told[0].seen < 2 or under_way >= programs:
                return None
            return self._body(self._given.prompt // 2 * (1 + len(told) % 3), asked // 4)

        first, *_ = load_client.ask(port, [{**self._body(64, asked), "priority": "person"}], later)
        return percentile(first.gaps(first.times[1]), 95)

    def _body(self, prompt: int, generate: int) -> dict[str, Any]:
        tokens = [self._chance.randrange(self._size) for _ in range(prompt)]
        if self._given.top_k:
            drawn = {"temperature": 0.8, "top_k": self._given.top_k, "top_p": 1.0, "min_p": 0.0}
            return load_client.body(tokens, generate, **drawn)
        return load_client.body(tokens, generate)
