"""Guesses from the text itself: the same answers in fewer steps, whatever is guessed."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.core.stream import Stream
from backends.engine import native
from backends.engine.context import Context, ContextOptions
from backends.engine.loader import NativeEngine
from backends.engine.lookup import Lookup
from backends.engine.protocol import LONGEST_DRAFT, GenerateRequest, Sampling, TextDelta, Turn
from backends.engine.sequence import Job, Sequence
from backends.engine.speculation import Costs, Drafter, Speculation, Step
from backends.engine.template import Prompt
from tests.kit.answers import Heard, hear, overheard
from tests.kit.ggufs import Script, random_model, scripted_model

GREEDY = Sampling(temperature=0)
WORDS = [f"{first}{second}" for first in ["amber", "birch", "cedar", "delta", "ember"] for second in range(40)]
DOCUMENT = " ".join(random.Random(5).sample(WORDS, 150))
Load = Callable[..., object]


@pytest.fixture
def load(load: Load, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Onto a machine on which a token more costs nothing, however busy this one is: guesses are always tried."""
    monkeypatch.setattr(Costs, "of", lambda _, tokens: 1.0)
    return load


@pytest.fixture(scope="session")
def quoting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Says a document that a question may hold, token for token."""
    return scripted_model(tmp_path_factory.mktemp("models") / "quoting.gguf", "Hm.", DOCUMENT, heard=True)


def ask(engine: NativeEngine, question: str, **options: object) -> Heard:
    request = GenerateRequest([Turn("user", question)], **({"sampling": GREEDY} | options))  # type: ignore[arg-type]
    return hear(engine.generate(request))


# ---- what an answer quotes


def test_an_answer_that_quotes_its_prompt_takes_fewer_steps(engine: NativeEngine, load: Load, quoting: Path) -> None:
    load(quoting, lookup=False)
    plain = ask(engine, DOCUMENT)
    assert (plain.finished.timings.drafted, plain.finished.timings.accepted) == (0, 0)
    load(quoting)
    heard = ask(engine, DOCUMENT)
    assert (heard.reasoning, heard.text) == (plain.reasoning, plain.text) == ("Hm.", DOCUMENT)
    assert heard.finished.usage == plain.finished.usage
    timings = heard.finished.timings
    assert heard.finished.usage.completion_tokens / 2 < timings.accepted <= timings.drafted
    assert timings.accepted < heard.finished.usage.completion_tokens


def test_what_is_quoted_with_changes_is_said_with_its_changes(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    """The edit of a text: the quote breaks off at every change, and is taken up behind it."""
    words = DOCUMENT.split()
    for place in range(10, 140, 9):
        words[place] = f"changed{place}"
    del words[60:63]
    words[90:90] = ["quite", "new", "here"]
    edited = " ".join(words)
    load(scripted_model(tmp_path / "editor.gguf", "", edited, heard=True))
    heard = ask(engine, DOCUMENT)
    assert heard.text == edited
    assert heard.finished.timings.accepted > 0


def test_the_answer_is_read_where_it_was_left(engine: NativeEngine, load: Load, quoting: Path) -> None:
    """What the cache holds after guesses is what was said: the next turn goes on from it."""
    load(quoting)
    first = ask(engine, DOCUMENT)
    turns = [Turn("user", DOCUMENT), Turn("assistant", first.text), Turn("user", "And again?")]
    second = hear(engine.generate(GenerateRequest(turns, GREEDY)))
    assert second.text == DOCUMENT
    assert second.finished.usage.cached_tokens > 100


@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 40, 100])
def test_no_more_is_said_than_wanted(engine: NativeEngine, load: Load, quoting: Path, length: int) -> None:
    load(quoting)
    heard = ask(engine, DOCUMENT, max_tokens=length)
    assert heard.finished.usage.completion_tokens == length
    assert heard.finished.finish_reason == "length"
    assert DOCUMENT.startswith(heard.text)


@pytest.mark.parametrize("place", [3, 20, 21, 22, 23, 24, 100, 148])
def test_a_stop_string_within_a_quote(engine: NativeEngine, load: Load, quoting: Path, place: int) -> None:
    load(quoting)
    stop = DOCUMENT.split()[place]
    heard = ask(engine, DOCUMENT, stop=[stop])
    assert heard.text == DOCUMENT.partition(stop)[0]
    assert heard.finished.finish_reason == "stop"
    assert ask(engine, DOCUMENT).text == DOCUMENT


def test_an_end_within_a_guess(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    """The prompt goes on where the answer ends."""
    words = DOCUMENT.split()
    answer = " ".join(words[:100])
    more = Script("", " ".join(words[100:]), word="more")
    load(scripted_model(tmp_path / "ends.gguf", "", answer, heard=True, scripts=[more]))
    heard = ask(engine, DOCUMENT)
    assert (heard.text, heard.finished.finish_reason) == (answer, "stop")
    assert heard.finished.timings.accepted > 0


def test_cancel_within_a_quote(engine: NativeEngine, load: Load, quoting: Path) -> None:
    load(quoting)
    quote = GenerateRequest([Turn("user", DOCUMENT)], GREEDY)
    for count in (1, 5, 30):

        def look(stream: Stream, said: list, count: int = count) -> None:
            if sum(isinstance(event, TextDelta) for event in said) >= count:
                stream.cancel()

        heard = hear(overheard(engine, lambda: engine.generate(quote), look))
        assert heard.finished.finish_reason == "cancelled"
        assert DOCUMENT.startswith(heard.text)
        assert len(heard.text) < len(DOCUMENT)
    assert ask(engine, DOCUMENT).text == DOCUMENT


def test_several_who_quote_at_once(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    other = " ".join(reversed([f"x{word}" for word in DOCUMENT.split()[:80]]))
    load(
        scripted_model(tmp_path / "two.gguf", "Hm.", DOCUMENT, heard=True, scripts=[Script("", other, word="Other:")]),
        parallel=4,
        context=8192,
    )
    questions = [DOCUMENT, f"Other: {other}", "Nothing to quote.", DOCUMENT + " "] * 2
    streams = [engine.generate(GenerateRequest([Turn("user", question)], GREEDY)) for question in questions]
    assert [hear(stream).text for stream in streams] == [DOCUMENT, other, DOCUMENT, DOCUMENT] * 2


def test_who_sets_a_seed_is_not_guessed_for(engine: NativeEngine, load: Load, quoting: Path) -> None:
    """Guesses depend on how quick the machine is, and batches of other sizes differ in the last digits."""
    load(quoting)
    heard = ask(engine, DOCUMENT, sampling=Sampling(seed=1))
    assert (heard.text, heard.finished.timings.drafted) == (DOCUMENT, 0)


def test_a_full_cache_leaves_no_room_for_guesses(engine: NativeEngine, load: Load, quoting: Path) -> None:
    load(quoting, context=512)
    for spare in (0, 1, 2, 5):
        (needed,) = engine.count_tokens([Turn("user", DOCUMENT)])
        question = DOCUMENT + "x" * (512 - needed - 60 - spare)
        heard = ask(engine, question)
        assert heard.finished.finish_reason == "length"
        assert heard.finished.usage.prompt_tokens + heard.finished.usage.completion_tokens == 512
        assert DOCUMENT.startswith(heard.text)


# ---- any guess at all


@dataclass(frozen=True, slots=True)
class Bench:
    model: native.Model
    context: Context


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    path = random_model(tmp_path_factory.mktemp("models") / "random.gguf")
    model = native.Model(path, gpu_layers=0, experts_on_cpu=0, progress=lambda _: True)
    context = Context(model, ContextOptions(1024, "f16", 2, 256, outputs=LONGEST_DRAFT + 1))
    yield Bench(model, context)
    context.close()
    model.close()


class Oracle(Speculation):
    """Offers what it is told to."""

    def __init__(self, guesses: Callable[[list[int]], list[int]]) -> None:
        super().__init__()
        self._guesses = guesses

    def offer(self, drafter: Drafter, most: int) -> None:
        drafter.guess(0, Step(self.costs, 1, 0))
        drafter.propose(self._guesses(drafter.tokens)[:most])


def speak(bench: Bench, sampling: Sampling, count: int, guesses: Callable[[list[int]], list[int]]) -> list[int]:
    """What is said after a prompt, in steps with these guesses."""
    context, batch = bench.context, bench.context.batch
    context.cut(0, 0)
    oracle, prompt = Oracle(guesses), Prompt([bench.model.vocabulary.bos, 70, 71, 72], "answer")
    request = GenerateRequest((), sampling, count, ignore_end=True)
    sequence = Sequence(Job(request), prompt, bench.model, context, lambda _: None, oracle)
    sequence.drafter = oracle.drafter(sequence.tokens, frozenset())
    sequence.start(0, 0)
    while not sequence.over:
        if sequence.guessable:
            assert sequence.drafter is not None
            oracle.offer(sequence.drafter, sequence.guessable)
        batch.clear()
        sequence.fill(batch, batch.room)
        assert batch.outputs <= batch.outputs_max
        assert context.decode()
        sequence.computed(sequence.asked)
        sequence.hear(context)
        assert sequence.held == len(sequence.tokens) - 1 == context.held(0)
    said = sequence.tokens[len(prompt.tokens) :]
    sequence.finish("CPU")
    return said


SAMPLINGS = [
    GREEDY,
    Sampling(temperature=0, repeat_penalty=1.3),
    Sampling(temperature=3, top_k=40, seed=7),
    Sampling(temperature=1.5, top_p=0.9, seed=8, frequency_penalty=0.5),
    Sampling(temperature=2, mirostat=2, seed=9),
]


NEVER_RIGHT = [258]  # a control token: a random model gives it the logit 0
"""One guess, so that the batch is computed as any with guesses: one token alone differs in the last digits."""


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_right_guesses_change_nothing(bench: Bench, sampling: Sampling) -> None:
    """The chain draws at each place in order, as it would one by one: with a seed the same tokens come."""
    plain = speak(bench, sampling, 60, lambda _: NEVER_RIGHT)
    guessed = speak(bench, sampling, 60, lambda tokens: plain[len(tokens) - 4 :][:LONGEST_DRAFT])
    assert guessed[:-1] == plain[:-1]  # the last one is computed alone


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.sampled_from(SAMPLINGS), st.randoms(use_true_random=False))
def test_any_guess_changes_nothing(bench: Bench, sampling: Sampling, chance: random.Random) -> None:
    """Right to some place and wrong behind it, too long, nothing but wrong."""
    plain = speak(bench, sampling, 40, lambda _: NEVER_RIGHT)

    def guesses(tokens: list[int]) -> list[int]:
        right = plain[len(tokens) - 4 :][: chance.randrange(LONGEST_DRAFT + 1)]
        wrong = [chance.randrange(bench.model.vocabulary.size) for _ in range(chance.randrange(LONGEST_DRAFT + 1))]
        return (right + wrong or NEVER_RIGHT)[:LONGEST_DRAFT]

    assert speak(bench, sampling, 40, guesses)[:-1] == plain[:-1]


# ---- where a text quotes itself


def latest_longest(tokens: list[int]) -> int:
    """How far back the best place agrees, by trying all of them."""

    def agreed(place: int) -> int:
        back = 0
        while back < min(place, 32) and tokens[place - 1 - back] == tokens[-1 - back]:
            back += 1
        return back

    return max((agreed(place) for place in range(1, len(tokens))), default=0)


@given(st.lists(st.integers(0, 3), max_size=60), st.lists(st.integers(0, 3), max_size=40))
def test_the_longest_quote_is_found(prompt: list[int], said: list[int]) -> None:
    tokens = list(prompt)
    lookup = Lookup(tokens)
    for token in [*said, 0]:
        source = lookup.look()
        if source >= 0:
            assert 0 <= source < len(tokens)
            matched = min(lookup.matched, 32)
            assert matched < 3 or tokens[source - matched : source] == tokens[len(tokens) - matched :]
        if latest_longest(tokens) >= 3:
            assert source >= 0
        expected = lookup.expected(20)
        assert len(expected) == (20 if source >= 0 else 0)
        if source >= 0:
            whole = tokens + expected
            assert all(whole[len(tokens) + n] == whole[source + n] for n in range(20))
        tokens.append(token)


def test_a_long_prompt_is_indexed_in_parts_and_the_same_is_found() -> None:
    chance = random.Random(3)
    tokens = [chance.randrange(50_000) for _ in range(60_000)]
    lookup = Lookup(tokens)
    for _ in range(5):
        lookup.look()
        tokens.append(chance.randrange(50_000))
    for place in (5, 20_000, 30_000, 59_000):
        tokens += tokens[place : place + 4]
        assert lookup.look() == place + 4
        tokens.append(60_000)
        lookup.look()
    for _ in range(10_000):  # more than what is said is kept in the dictionary
        tokens.append(chance.randrange(50_000))
        lookup.look()
    tokens += tokens[62_000:62_003]
    assert lookup.look() == 62_003


def test_a_quote_that_breaks_off_is_taken_up_again() -> None:
    source = list(range(100, 160))
    tokens = [*source, 1, 2, *source[:10]]
    lookup = Lookup(tokens)
    assert lookup.look() == 10
    assert lookup.expected(3) == [110, 111, 112]
    tokens.append(7)  # in the place of 110
    assert (lookup.look(), lookup.matched) == (11, 0)
    tokens.append(111)
    assert (lookup.look(), lookup.matched) == (12, 1)
    tokens += [112, 8, 9]  # put in between
    lookup.look()
    tokens.append(113)
    assert lookup.look() == 14
    tokens.append(117)  # 114 to 116 are left out
    assert lookup.look() == 18


# ---- whether it pays


@dataclass
class Speaker:
    """Somebody who says what a script says."""

    drafter: Drafter | None
    guessable: int = LONGEST_DRAFT
    over: bool = False


def steps(script: list[int], prompt: list[int], cost: Callable[[int], float]) -> tuple[int, float]:
    """How many steps a script takes, and how long, where a step of n tokens takes `cost(n)` seconds."""
    speculation = Speculation()
    speculation.costs.learn_reading(512, 512 * (cost(512) - cost(1)) / 511)
    tokens = list(prompt)
    drafter = speculation.drafter(tokens, frozenset())
    assert drafter is not None
    count, seconds, said = 0, 0.0, 0
    while said < len(script):
        speculation.prepare([Speaker(drafter)], 1, 64)
        draft = drafter.take(LONGEST_DRAFT)
        right = 0
        while right < len(draft) and said + right < len(script) - 1 and draft[right] == script[said + right]:
            right += 1
        tokens += script[said : said + right + 1]
        said += right + 1
        drafter.judge(len(draft))
        count, seconds = count + 1, seconds + cost(1 + len(draft))
        speculation.costs.learn(1 + len(draft), cost(1 + len(draft)))
    assert len(script) <= drafter.accepted + count <= len(script) + 1  # the last one may have been guessed
    return count, seconds


CHEAP: list[Callable[[int], float]] = [
    lambda n: 1 + 0.02 * n,
    lambda n: 1 + 0.1 * n,
    lambda n: 1 + 0.25 * (n - 1),
    lambda n: float(n) if n < 13 else 7.0,  # a processor, measured
]


@pytest.mark.parametrize("cost", CHEAP)
def test_a_quote_is_said_in_few_steps(cost: Callable[[int], float]) -> None:
    document = random.Random(1).sample(range(10_000), 1000)
    count, seconds = steps(document[100:600], [*document, 1, 2], cost)
    assert count < 150
    assert seconds < 500 * cost(1) / 1.5


@pytest.mark.parametrize("cost", [*CHEAP, lambda n: float(n), lambda n: 2.0 * n])
def test_what_does_not_pay_is_left_alone(cost: Callable[[int], float]) -> None:
    """Text that repeats its words and never itself; a machine on which every token costs as much as the first."""
    chance = random.Random(2)
    words = [chance.randrange(12) for _ in range(3000)]
    _, seconds = steps(words[1000:], words[:1000], cost)
    assert seconds < len(words[1000:]) * cost(1) / 0.97
    document = chance.sample(range(10_000), 1000)
    if cost(2) >= 2 * cost(1):
        _, seconds = steps(document[100:600], [*document, 1, 2], cost)
        assert seconds < 500 * cost(1) / 0.95


def test_costs_lie_between_those_that_were_seen() -> None:
    costs = Costs()
    assert costs.of(1) < costs.of(16)
    costs.learn(1, 1.0)
    assert costs.of(16) < 4
    costs.learn_reading(8, 80.0)  # too few to tell
    costs.learn_reading(512, 51.2)
    assert costs.of(16) == pytest.approx(2.5)
    costs.learn(2, 1.9)
    assert costs.of(16) == pytest.approx(2.5)  # what two cost says nothing about sixteen
    costs.learn(16, 4.0)
    assert 2 < costs.of(8) < 3
    for _ in range(100):
        costs.learn(8, 1.0)
    assert costs.of(7) == pytest.approx(1.15, abs=0.01)
    for _ in range(100):
        costs.learn(16, 1.5)
    assert costs.of(16) == pytest.approx(1.5, rel=0.01)
    costs.learn(16, 100.0)  # somebody else had the machine
    assert costs.of(16) < 2


def test_those_who_speak_together_share_what_a_step_has_room_for() -> None:
    speculation = Speculation()
    drafters = [speculation.drafter(list(range(20)) * 3, frozenset()) for _ in range(4)]
    for room in (0, 1, 7, 20, 1000):
        speculation.prepare([Speaker(drafter) for drafter in drafters], 4, room)
        offers = [drafter.take(LONGEST_DRAFT) for drafter in drafters if drafter]
        assert sum(map(len, offers)) <= room
        assert all(len(offer) <= LONGEST_DRAFT for offer in offers)
        assert offers[0] == list(range(20))[: len(offers[0])]
        for drafter in drafters:
            assert drafter is not None
            drafter.judge(0)


def test_no_end_is_guessed() -> None:
    tokens = [*range(20), *range(8)]
    speculation = Speculation()
    speculation.costs.learn(1, 1.0)
    speculation.costs.learn_reading(512, 0.5)  # nearly free
    drafter = speculation.drafter(tokens, frozenset({12}))
    assert drafter is not None
    speculation.prepare([Speaker(drafter)], 1, 64)
    assert drafter.take(LONGEST_DRAFT) == [8, 9, 10, 11]
