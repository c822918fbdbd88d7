"""Thousands of mixed requests at one engine: each has to end as it would have alone, and nothing may stay behind.

    python -m tests.kit.mixture 1000 1          # how many, seed; ends with a line of JSON, or with what was wrong

In a process of its own, since it looks at what it takes of memory. Requests of every size, priority and sampling, with
grammars, budgets, stop words, cut lengths; some are cancelled in the middle, some cannot be answered at all.
"""

import gc
import json
import random
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from backends.core.errors import BackendError
from backends.core.stream import Stream
from backends.engine.generation import (
    Finished,
    GenerateEvent,
    GenerateRequest,
    Grammar,
    JsonSchema,
    ReasoningDelta,
    ReasoningReclassified,
    Sampling,
    TextDelta,
    Turn,
)
from backends.engine.loader import NativeEngine
from backends.engine.protocol import LoadRequest, Priority
from backends.engine.sequence import Sequence as Answer
from tests.kit.ggufs import Script, scripted_model

CONTEXT, PARALLEL = 3072, 6
MOST_AT_ONCE = 24
MIB = 1 << 20
GROWTH = 12 * MIB  # from a third of the requests on
PATIENCE = 30  # seconds, for a thread to end
PRIORITIES: tuple[Priority, ...] = ("person", "api", "background")
SCRIPTS = (
    Script("", "直接回答，没有思考。", word="brief"),
    Script("Here I begin to run.", "And on it goes, for ever.", word="endless", endless=True),
    Script("Still wondering whether", "", word="unclosed", closes=False),
)
SAMPLINGS = (
    Sampling(temperature=0),
    Sampling(),
    Sampling(seed=7),
    Sampling(temperature=1.0, top_k=40, top_p=1.0),
    Sampling(temperature=0, repeat_penalty=1.05),
    Sampling(temperature=0.3, min_p=0.1, presence_penalty=0.1),
)
ERRORS = {
    "bad_sampling": GenerateRequest([Turn("user", "Hello")], Sampling(temperature=-1)),
    "bad_grammar": GenerateRequest([Turn("user", "Hello")], format=Grammar("root ::= (")),
    "bad_schema": GenerateRequest([Turn("user", "Hello")], format=JsonSchema({"type": "nothing"})),
    "bad_token": GenerateRequest((), tokens=(1, 10**7)),
    "context_too_long": GenerateRequest((), tokens=(5,) * (CONTEXT + 1)),
}


@dataclass(slots=True)
class Outcome:
    """How an answer ended, or (`error`) that there was none."""

    reasoning: str = ""
    text: str = ""
    finish: str = ""
    tokens: int = 0
    error: str = ""


@dataclass(slots=True)
class Asked:
    request: GenerateRequest
    kind: int  # of `kinds`, or -1: an error is expected
    stream: Stream[GenerateEvent]
    wanted: Outcome
    cancel_after: int = -1  # events
    heard: int = 0
    outcome: Outcome = field(default_factory=Outcome)

    def take(self) -> bool:
        """All that was said since; True when it is over."""
        try:
            for event in self.stream.drain():
                self._note(event)
        except BackendError as error:
            self.outcome.error = error.code
            return True
        if 0 <= self.cancel_after <= self.heard:
            self.stream.cancel()
        return self.stream.finished

    def _note(self, event: GenerateEvent) -> None:
        self.heard += 1
        match event:
            case ReasoningDelta(text):
                self.outcome.reasoning += text
            case TextDelta(text):
                self.outcome.text += text
            case ReasoningReclassified():
                self.outcome.reasoning, self.outcome.text = self.outcome.reasoning + self.outcome.text, ""
            case Finished(usage, _, reason):
                self.outcome.finish, self.outcome.tokens = reason, usage.completion_tokens

    def check(self) -> None:
        """Equal to what it says alone; of a cancelled answer, its beginning."""
        got, wanted = self.outcome, self.wanted
        if got.finish == "cancelled" and self.stream.cancelled:
            said, whole = got.reasoning + got.text, wanted.reasoning + wanted.text
            good = whole.startswith(said.rstrip("\ufffd")) and not got.error
        else:
            good = got == wanted
        if not good:
            raise SystemExit(f"{self.request}\n  said   {got}\n  wanted {wanted}")


def kinds() -> list[GenerateRequest]:
    """Every sort of request that has an answer."""
    words = ["Hello", "brief", "endless", "unclosed"]
    filler = " ".join(f"word{number}" for number in range(60))
    made = []
    for word in words:
        for length in (0, 1, 4):
            turns = [Turn("user", f"{filler * length} {word}".strip())]
            made += [GenerateRequest(turns, max_tokens=most) for most in (1, 7, 40)]
            if word != "endless":
                made.append(GenerateRequest(turns))
    hello = [Turn("user", "Hello")]
    talk = [Turn("user", "brief"), Turn("assistant", "直接回答，没有思考。"), Turn("user", "And now: Hello")]
    made += [
        GenerateRequest(talk),
        GenerateRequest(hello, stop=("scripted",)),
        GenerateRequest(hello, stop=("你好",)),
        GenerateRequest(hello, thinking_budget=2),
        GenerateRequest(hello, thinking_budget=0),
        GenerateRequest([Turn("user", "unclosed")], thinking_budget=3, max_tokens=30),
        GenerateRequest(hello, format=Grammar('root ::= "yes" | "no"')),
        GenerateRequest(hello, format=JsonSchema({"enum": ["red", "green"]})),
        GenerateRequest([Turn("user", "brief")], format=Grammar("root ::= [a-c]{3,9} [0-9]")),
        GenerateRequest(hello, logprobs=2, max_tokens=12),
        GenerateRequest(hello, ignore_end=True, max_tokens=90),
    ]
    return made


class Mixture:
    def __init__(self, engine: NativeEngine, seed: int) -> None:
        self._engine, self._chance = engine, random.Random(seed)
        self._kinds = kinds()
        self._woken = threading.Event()
        self._alone: dict[int, Outcome] = {}
        self.counts: Counter[str] = Counter()

    def learn(self) -> None:
        """What each says alone, greedily; the second time it has to be the same."""
        for kind, request in enumerate(self._kinds):
            said = self._once(replace(request, sampling=SAMPLINGS[0]))
            if self._alone.setdefault(kind, said) != said:
                raise SystemExit(f"{request}\n  says   {said}\n  before {self._alone[kind]}")

    def _once(self, request: GenerateRequest) -> Outcome:
        asked = Asked(request, -1, self._engine.generate(request), Outcome())
        asked.stream.wait()
        while not asked.take():
            asked.stream.wait()
        return asked.outcome

    def run(self, count: int) -> None:
        """Ask so many, as many at once as chance will have it; each is checked when it is over."""
        open_ones: list[Asked] = []
        begun = 0
        while begun < count or open_ones:
            most = self._chance.randrange(1, MOST_AT_ONCE)
            while begun < count and len(open_ones) < most:
                open_ones.append(self._ask())
                begun += 1
            self._woken.wait()
            self._woken.clear()
            for asked in [one for one in open_ones if one.take()]:
                asked.check()
                self.counts[asked.outcome.error or asked.outcome.finish] += 1
                open_ones.remove(asked)

    def _ask(self) -> Asked:
        chance = self._chance
        if chance.random() < 0.06:
            code = chance.choice(list(ERRORS))
            request, kind, wanted = ERRORS[code], -1, Outcome(error=code)
        else:
            kind = chance.randrange(len(self._kinds))
            one = self._kinds[kind]
            greedy = one.format is not None or one.ignore_end  # where the script ends, any other token is as likely
            request = replace(one, sampling=SAMPLINGS[0] if greedy else chance.choice(SAMPLINGS))
            wanted = self._alone[kind]
        request = replace(request, priority=chance.choice(PRIORITIES))
        cancel_after = chance.randrange(12) if kind >= 0 and chance.random() < 0.2 else -1
        asked = Asked(request, kind, self._engine.generate(request), wanted, cancel_after)
        asked.stream.on_wake(self._woken.set)
        return asked

    def all_slots_answer(self) -> None:
        """As many as there are slots are computed at once: none was lost."""
        request = replace(self._kinds[0], turns=[Turn("user", "endless")], max_tokens=None)
        streams = [self._engine.generate(request) for _ in range(PARALLEL)]
        for stream in streams:
            if not any(isinstance(event, ReasoningDelta) for event in stream):
                raise SystemExit("a slot is gone")
        for stream in streams:
            stream.cancel()
        for stream in streams:
            list(stream)


def main(arguments: Sequence[str]) -> None:
    count, seed = int(arguments[0]), int(arguments[1])
    process, threads = psutil.Process(), set(threading.enumerate())
    with tempfile.TemporaryDirectory() as folder:
        engine = NativeEngine()
        path = scripted_model(Path(folder) / "scripted.gguf", scripts=SCRIPTS)
        list(engine.load(LoadRequest(path, CONTEXT, gpu_layers=0, threads=1, parallel=PARALLEL)))
        mixture = Mixture(engine, seed)
        mixture.learn()
        mixture.run(count // 3)
        before = process.memory_info().rss
        mixture.run(count - count // 3)
        grown = process.memory_info().rss - before
        gc.collect()
        left = sum(isinstance(one, Answer) for one in gc.get_objects())
        mixture.all_slots_answer()
        mixture.learn()
        engine.close()
    for thread in set(threading.enumerate()) - threads:
        thread.join(PATIENCE)
    more = [thread.name for thread in set(threading.enumerate()) - threads]
    told = {"requests": dict(mixture.counts), "grown_mib": round(grown / MIB, 1), "answers_left": left}
    print(json.dumps(told | {"threads_left": more}))
    if grown > GROWTH or left > PARALLEL or more:
        raise SystemExit("something stays behind")


if __name__ == "__main__":
    main(sys.argv[1:])
