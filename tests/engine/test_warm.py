"""What was read once is not read again: asked, closed, started anew, asked again."""

import queue
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backends.core.stream import Stream
from backends.engine import state_file
from backends.engine.abilities import abilities
from backends.engine.context import Context, ContextOptions
from backends.engine.loader import NativeEngine
from backends.engine.native import Model
from backends.engine.protocol import (
    Adapter,
    Finished,
    GenerateEvent,
    GenerateRequest,
    LoadFinished,
    LoadRequest,
    PromptProgress,
    Sampling,
    TextDelta,
    Turn,
)
from backends.engine.states import StateStore
from tests.kit.adapters import random_adapter
from tests.kit.answers import Heard, asleep, hear
from tests.kit.deepseeks import small_deepseek
from tests.kit.ggufs import ANSWER, V31_TEMPLATE, Shape, random_model, scripted_model

GREEDY = Sampling(temperature=0)
DOCUMENT = "A document that takes its time to be read. " * 20
ASKED = f"{DOCUMENT}Hello!"
ONE = frozenset({"conversation:1"})
GIB = 1 << 30


def request(question: str = ASKED, **options: object) -> GenerateRequest:
    wanted: dict[str, Any] = {"sampling": GREEDY, "keep": True, "labels": ONE} | options
    return GenerateRequest([Turn("user", question)], **wanted)


class Desk:
    """One data folder, in which engines come and go."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.states, self.model = folder / "states", model
        self.engine: NativeEngine | None = None

    def start(self, **options: Any) -> NativeEngine:
        self.engine = NativeEngine()
        asked = LoadRequest(self.model, 4096, gpu_layers=0, threads=1, states=self.states, states_budget=GIB)
        events = list(self.engine.load(replace(asked, **options)))
        assert isinstance(events[-1], LoadFinished)
        return self.engine

    def stop(self) -> None:
        assert self.engine is not None
        self.engine.close()
        self.engine = None

    def restart(self, **options: Any) -> NativeEngine:
        self.stop()
        return self.start(**options)

    def ask(self, question: str = ASKED, **options: object) -> Heard:
        assert self.engine is not None
        return hear(self.engine.generate(request(question, **options)))

    def saved(self) -> list[state_file.Head]:
        """What is on the disk, the shortest first."""
        if not self.states.exists():
            return []
        heads = [state_file.read_head(path) for path in self.states.glob("*.state")]
        return sorted(heads, key=lambda head: head.length)


@pytest.fixture
def desk(tmp_path: Path, scripted: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, scripted)
    yield desk
    if desk.engine is not None:
        desk.stop()
    assert not {"engine", "saving", "restore"} & {thread.name for thread in threading.enumerate()}


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> "queue.Queue[int]":
    """Told, when a state is on the disk or given up."""
    told: queue.Queue[int] = queue.Queue()
    write = StateStore._write

    def tell(self: StateStore, save: Any, data: bytearray) -> None:
        write(self, save, data)
        told.put(save.head.length)

    monkeypatch.setattr(StateStore, "_write", tell)
    return told


class Gate:
    """A place where somebody stands until it opens."""

    def __init__(self) -> None:
        self.reached, self._open = threading.Event(), threading.Event()

    def stand(self) -> None:
        self.reached.set()
        assert self._open.wait(60)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Whoever reads a state stands here."""
    gate, read = Gate(), state_file.read_data

    def stand(*arguments: Any) -> bytearray:
        gate.stand()
        return read(*arguments)

    monkeypatch.setattr(state_file, "read_data", stand)
    yield gate
    gate.open()


@pytest.fixture
def writing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Whoever writes a state stands here."""
    gate, write = Gate(), state_file.write

    def stand(*arguments: Any) -> Iterator[int]:
        gate.stand()
        return write(*arguments)

    monkeypatch.setattr(state_file, "write", stand)
    yield gate
    gate.open()


# ---- what a state is


MODELS = ["qwen2", "qwen3", "llama", "deepseek2", "deepseek2 of before", "deepseek32", "deepseek4"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("made")

    def make(kind: str) -> Path:
        path, architecture = folder / f"{kind}.gguf", kind.split()[0]
        if not path.exists():
            if architecture in ("deepseek32", "deepseek4"):
                small_deepseek(path, architecture)
            else:
                random_model(path, architecture, shape=Shape(mla=kind == architecture))
        return path

    return make


def read(context: Context, tokens: list[int], sequence: int, begin: int = 0) -> list[float]:
    """Compute them; the logits of the last."""
    place = -1
    for at in range(0, len(tokens), 64):
        part = tokens[at : at + 64]
        context.batch.clear()
        place = context.batch.add_slice(part, begin + at, sequence, True)
        assert context.decode()
    return context._llama.llama_get_logits_ith(context.handle, place)[:400]


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("kv_type", ["f16", "q8_0"])
def test_a_sequence_goes_on_in_another_context_as_in_its_own(
    made: Callable[[str], Path], kind: str, kv_type: Any
) -> None:
    """Beside others, under another number, in a cache that has gaps. With random weights deepseek32 has near ties in
    what it attends to, and chooses by the place in the cache: there the cache is empty."""
    if not abilities(kind.split()[0]).quantised_cache and kv_type != "f16":
        return
    model = Model(made(kind), gpu_layers=0, experts_on_cpu=0, progress=lambda _: True)
    options = ContextOptions(context=512, kv_type=kv_type, threads=1, batch=64, sequences=3, outputs=3)
    first, second = Context(model, options), Context(model, options)
    prompt, rest = [3 + n * 7 % 290 for n in range(200)], [5, 9, 11, 2, 40, 41, 42]
    read(first, prompt, 0)
    data = first.state(0)
    assert data
    assert len(data) == first.state_size(0)
    expected = [read(first, [token], 0, 200 + n) for n, token in enumerate(rest)]
    if kind != "deepseek32":
        read(second, prompt[:50], 0)
        read(second, prompt[50:90], 2)
        assert second.cut(0, 0)
    assert second.restore(1, data)
    assert second.held(1) == 200
    for n, token in enumerate(rest):
        assert read(second, [token], 1, 200 + n) == pytest.approx(expected[n], abs=2e-3)
    assert second.restore(1, data)  # over what is there
    assert read(second, rest[:1], 1, 200) == pytest.approx(expected[0], abs=2e-3)
    for context in (first, second):
        context.close()
    model.close()


@pytest.mark.parametrize("kind", ["qwen2", "deepseek2", "deepseek4"])
def test_what_was_not_made_alike_is_refused_and_nothing_else_suffers(made: Callable[[str], Path], kind: str) -> None:
    model = Model(made(kind), gpu_layers=0, experts_on_cpu=0, progress=lambda _: True)
    options = ContextOptions(context=256, kv_type="f16", threads=1, batch=64, sequences=2, outputs=2)
    small, large = Context(model, options), Context(model, replace(options, context=1024))
    read(large, [7] * 400, 0)
    too_long = large.state(0)
    assert too_long
    empty = small.state_size(1)
    read(small, [9] * 50, 0)
    before = read(small, [5], 0, 50)
    for wrong in (too_long, too_long[:-100], bytearray(1000), bytearray(b"no state")):
        assert not small.restore(1, wrong)
        assert small.held(1) == 0
    if abilities(model.architecture).cut:
        assert small.cut(0, 50)
        assert read(small, [5], 0, 50) == pytest.approx(before, abs=2e-3)
    assert small.state_size(1) == empty
    small.close()
    large.close()
    model.close()


# ---- after a restart


def test_after_a_restart_the_prompt_is_not_read_again(desk: Desk) -> None:
    desk.start()
    cold = desk.ask()
    prompt = cold.finished.usage.prompt_tokens
    assert (cold.finished.usage.cached_tokens, cold.finished.timings.restored) == (0, 0)
    desk.restart()
    warm = desk.ask()
    assert warm.finished.usage.cached_tokens == warm.finished.timings.restored == prompt - 1
    progress = [event for event in warm.events if isinstance(event, PromptProgress)]
    assert progress[0] == PromptProgress(prompt - 1, prompt)
    assert (warm.reasoning, warm.text) == (cold.reasoning, cold.text)
    again = desk.ask()
    assert (again.finished.usage.cached_tokens, again.finished.timings.restored) == (prompt - 1, 0)


@pytest.mark.parametrize("kind", MODELS)
def test_after_a_restart_with_every_architecture(desk: Desk, made: Callable[[str], Path], kind: str) -> None:
    """Those that cannot go back keep the end of a question, just before the marks with which the answer begins: they
    take it whole or not at all."""
    desk.model = made(kind)
    whole = not abilities(kind.split()[0]).cut
    prompt = tuple(3 + n * 7 % 290 for n in range(600))

    def ask(tokens: tuple[int, ...]) -> Finished:
        assert desk.engine
        asked = GenerateRequest([], GREEDY, 8, tokens=tokens, keep=True, ignore_end=True)
        return hear(desk.engine.generate(asked)).finished

    desk.start()
    assert ask(prompt).usage.completion_tokens == 8
    desk.restart()
    (head,) = desk.saved()
    assert head.length == (592 if whole else 607)
    again = ask(prompt)  # at once, and once more from what was restored
    assert again.timings.restored == again.usage.cached_tokens == (592 if whole else 599)
    assert ask(prompt).usage.cached_tokens == (592 if whole else 599)
    desk.restart()
    assert len(desk.saved()) == 1
    following = ask((*prompt[:592], *range(10, 40)))
    assert following.timings.restored == following.usage.cached_tokens == 592
    desk.restart()
    edited = ask((*prompt[:500], *range(10, 40)))
    assert edited.timings.restored == (0 if whole else 500)


def test_edits_branches_and_the_next_turn_share_what_they_have_in_common(desk: Desk) -> None:
    desk.start()
    desk.ask()
    desk.restart()
    edited = desk.ask(f"{DOCUMENT}brief please")
    shared = 2 + len(DOCUMENT)  # BOS, User
    assert edited.finished.timings.restored == edited.finished.usage.cached_tokens == shared
    assert edited.text == "直接回答，没有思考。"
    first = desk.ask()  # the state lies in the cache as another answer's would
    assert first.finished.usage.cached_tokens == first.finished.usage.prompt_tokens - 1
    assert first.finished.timings.restored == 0
    desk.restart()
    turns = [Turn("user", ASKED), Turn("assistant", ANSWER), Turn("user", "brief")]
    assert desk.engine
    following = hear(desk.engine.generate(replace(request(), turns=turns)))
    assert following.finished.timings.restored == 2 + len(ASKED) + 1  # up to <｜Assistant｜>
    assert following.text == "直接回答，没有思考。"


def test_a_conversation_that_grows_keeps_one_state(desk: Desk) -> None:
    desk.start()
    turns, answer = [Turn("user", ASKED)], None
    for _ in range(3):
        assert desk.engine
        answer = hear(desk.engine.generate(replace(request(), turns=turns)))
        turns += [Turn("assistant", answer.text), Turn("user", DOCUMENT)]
        desk.restart()
    (head,) = desk.saved()
    assert answer
    assert head.length == answer.finished.usage.prompt_tokens
    assert head.labels == ONE


def test_what_was_thought_is_not_saved(desk: Desk, tmp_path: Path) -> None:
    """The next prompt does not repeat it, but what was answered without thinking."""
    desk.start()
    usage = desk.ask().finished.usage
    assert usage.reasoning_tokens > 0
    desk.stop()
    assert [head.length for head in desk.saved()] == [usage.prompt_tokens]
    desk.model = scripted_model(tmp_path / "v3.1.gguf", template=V31_TEMPLATE)
    desk.start()
    other = desk.ask(f"{DOCUMENT * 2}Hello!", thinking=False).finished.usage
    desk.stop()
    assert other.reasoning_tokens == 0
    assert desk.saved()[-1].length == other.prompt_tokens + other.completion_tokens


@pytest.mark.parametrize(
    ("question", "options"),
    [
        ("Hello!", {}),  # too short
        (ASKED, {"keep": False}),
    ],
)
def test_what_is_not_worth_it_is_not_saved(desk: Desk, question: str, options: dict[str, Any]) -> None:
    desk.start()
    desk.ask(question, **options)
    desk.stop()
    assert not desk.saved()


def test_nothing_is_saved_without_a_folder(desk: Desk) -> None:
    desk.start(states=None)
    desk.ask()
    assert desk.engine
    assert list(desk.engine.erase_states(ONE)) == []
    assert desk.ask().finished.usage.cached_tokens == 0
    desk.stop()
    assert not desk.states.exists()


def test_a_seed_takes_nothing_from_the_disk(desk: Desk) -> None:
    """Who sets one wants the same answer again."""
    desk.start()
    desk.ask()
    desk.restart()
    assert desk.ask(sampling=Sampling(seed=1)).finished.usage.cached_tokens == 0


# ---- another one does not take it


def restored_with(desk: Desk, **options: Any) -> int:
    desk.restart(**options)
    return desk.ask().finished.timings.restored


def test_another_model_template_cache_or_adapter_does_not_take_it(desk: Desk, tmp_path: Path, scripted: Path) -> None:
    desk.start()
    desk.ask()
    assert restored_with(desk) > 0
    assert restored_with(desk, kv_type="q8_0") == 0
    adapter = random_adapter(tmp_path / "adapter.gguf", scripted, "output.weight")
    assert restored_with(desk, adapters=(Adapter(adapter, 0.01),)) == 0
    assert restored_with(desk, adapters=(Adapter(adapter, 0.02),)) == 0
    assert restored_with(desk, adapters=(Adapter(adapter, 0.01),)) > 0
    assert restored_with(desk, context=2048) > 0  # a larger or smaller cache does
    desk.model = scripted_model(tmp_path / "v3.1.gguf", template=V31_TEMPLATE)
    assert restored_with(desk) == 0
    desk.model = shutil.copyfile(scripted, tmp_path / "copy.gguf")
    assert restored_with(desk) == 0
    desk.model = scripted
    assert restored_with(desk) > 0


def test_adapters_that_change_while_it_is_loaded(
    desk: Desk, tmp_path: Path, scripted: Path, written: "queue.Queue[int]"
) -> None:
    adapter = random_adapter(tmp_path / "adapter.gguf", scripted, "blk.0.attn_v.weight")
    engine = desk.start()
    desk.ask()
    written.get(timeout=60)
    assert list(engine.set_adapters([Adapter(adapter, 0.01)]))
    assert desk.ask().finished.usage.cached_tokens == 0
    engine = desk.restart()
    assert len(desk.saved()) == 2
    assert list(engine.set_adapters([Adapter(adapter, 0.01)]))
    assert desk.ask().finished.timings.restored > 0


# ---- damage


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("place", [0, 7, 30, 200, -1])
def test_a_damaged_state_is_never_loaded_and_never_an_error(desk: Desk, place: int) -> None:
    desk.start()
    cold = desk.ask()
    desk.stop()
    (path,) = desk.states.iterdir()
    flip(path, place)
    desk.start()
    assert desk.ask().text == cold.text
    desk.restart()
    assert desk.ask().finished.timings.restored > 0  # it was saved anew


def test_a_state_that_llama_cpp_refuses(desk: Desk) -> None:
    """Whole, but not what it says."""
    desk.start()
    cold = desk.ask()
    desk.stop()
    (head,), (path,) = desk.saved(), desk.states.iterdir()
    with path.open("w+b") as file:
        list(state_file.write(file, head, memoryview(bytes(head.size))))
    desk.start()
    for labels in (ONE, frozenset({"conversation:2"})):
        heard = desk.ask(f"{DOCUMENT}brief please", labels=labels, keep=False)
        assert heard.text == "直接回答，没有思考。"
        assert heard.finished.timings.restored == 0
    heard = desk.ask()
    assert (heard.text, heard.finished.timings.restored) == (cold.text, 0)


def test_the_budget_holds(desk: Desk) -> None:
    desk.start()
    desk.ask()
    desk.restart()
    (head,) = desk.saved()
    for number in range(5):
        desk.ask(f"{number} {DOCUMENT}", labels=frozenset({f"conversation:{number}"}))
        desk.restart(states_budget=3 * head.file_size)
    assert 0 < sum(one.file_size for one in desk.saved()) <= 3 * head.file_size


# ---- when there is nothing else to do


def test_an_idle_conversation_is_saved_without_being_asked(desk: Desk, written: "queue.Queue[int]") -> None:
    desk.start()
    usage = desk.ask().finished.usage
    assert written.get(timeout=60) == usage.prompt_tokens
    assert [head.length for head in desk.saved()] == [usage.prompt_tokens]
    other = desk.ask(f"Another one. {DOCUMENT}", labels=frozenset({"conversation:2"}))
    assert written.get(timeout=60) == other.finished.usage.prompt_tokens
    desk.ask()  # nothing new in it
    desk.stop()
    assert len(desk.saved()) == 2
    assert written.empty()


def test_who_asks_is_answered_before_anything_is_saved(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, order, save = desk.start(), [], StateStore.save

    def noted(self: StateStore, *what: Any) -> bool:
        done = save(self, *what)
        order.extend(["saved"] * done)
        return done

    monkeypatch.setattr(StateStore, "save", noted)

    def note(stream: Stream[GenerateEvent]) -> None:
        order.extend("answered" for event in stream.drain() if isinstance(event, Finished))

    with asleep(engine):
        streams = [engine.generate(request(f"{number} {DOCUMENT}")) for number in range(3)]
        for stream in streams:
            stream.on_wake(lambda stream=stream: note(stream))
    for stream in streams:
        stream.wait()
    desk.stop()
    assert order[:3] == ["answered"] * 3
    assert order.count("saved") == 3


def test_while_one_is_being_written_answers_go_on(desk: Desk, writing: Gate) -> None:
    desk.start()
    desk.ask()
    assert writing.reached.wait(60)
    usage = desk.ask(f"{DOCUMENT}brief please").finished.usage
    assert usage.cached_tokens > len(DOCUMENT)
    assert not desk.saved()
    writing.open()
    desk.stop()
    assert desk.saved()


def test_while_one_is_being_read_others_are_answered(desk: Desk, reading: Gate) -> None:
    desk.start()
    desk.ask()
    engine = desk.restart(parallel=2)
    waiting = engine.generate(request())
    assert reading.reached.wait(60)
    assert desk.ask("brief please").text == "直接回答，没有思考。"
    assert not any(isinstance(event, (TextDelta, PromptProgress)) for event in waiting.drain())
    reading.open()
    assert hear(waiting).finished.timings.restored > 0


def test_two_who_wait_for_the_same_state(desk: Desk) -> None:
    desk.start()
    desk.ask()
    engine = desk.restart(parallel=2)
    both = [engine.generate(request(f"{DOCUMENT}{end}")) for end in ("brief please", "Hello!")]
    heard = [hear(stream) for stream in both]
    assert [one.text for one in heard] == ["直接回答，没有思考。", ANSWER]
    assert all(one.finished.usage.cached_tokens >= 2 + len(DOCUMENT) for one in heard)


def test_cancelled_while_it_waits_for_the_disk(desk: Desk, reading: Gate) -> None:
    desk.start()
    desk.ask()
    engine = desk.restart()
    waiting = engine.generate(request())
    assert reading.reached.wait(60)
    waiting.cancel()
    assert hear(waiting).finished.finish_reason == "cancelled"
    assert desk.ask("brief please").text == "直接回答，没有思考。"
    reading.open()
    assert desk.ask().text == ANSWER


@pytest.mark.parametrize("end", ["close", "unload"])
def test_the_end_while_one_is_being_read(desk: Desk, reading: Gate, end: str) -> None:
    desk.start()
    desk.ask()
    engine = desk.restart()
    waiting = engine.generate(request())
    assert reading.reached.wait(60)
    if end == "close":
        waiting.token.on_cancel(reading.open)  # the first thing that an end does
        desk.stop()
        assert hear(waiting).finished.finish_reason == "cancelled"
    else:
        unloading = engine.unload()
        reading.open()
        assert list(unloading) == []
        assert hear(waiting).text == ANSWER


def test_a_state_too_large_for_what_is_free(desk: Desk) -> None:
    desk.start()
    desk.ask(DOCUMENT * 3)
    assert restored_with(desk, context=1024) == 0
    assert desk.ask().text == ANSWER


# ---- erased


def test_erased_states_are_gone_from_the_disk_and_the_cache(desk: Desk, written: "queue.Queue[int]") -> None:
    engine = desk.start()
    desk.ask(labels=frozenset({"conversation:1", "document:5"}))
    desk.ask(f"Other. {DOCUMENT}", labels=frozenset({"conversation:2"}))
    for _ in range(2):
        written.get(timeout=60)
    assert list(engine.erase_states({"document:5"})) == []
    assert [head.labels for head in desk.saved()] == [{"conversation:2"}]
    assert desk.ask(keep=False).finished.usage.cached_tokens < 10
    assert desk.ask(f"Other. {DOCUMENT}").finished.usage.cached_tokens > len(DOCUMENT)
    assert list(engine.erase_states(None)) == []
    assert not desk.saved()
    assert desk.ask(f"Other. {DOCUMENT}", keep=False).finished.usage.cached_tokens == 0


def test_erased_while_it_is_being_written(desk: Desk, writing: Gate) -> None:
    engine = desk.start()
    desk.ask()
    assert writing.reached.wait(60)
    erasing = engine.erase_states(ONE)
    assert not erasing.wait(0.05)
    writing.open()
    assert list(erasing) == []
    desk.stop()
    assert not desk.saved()


def test_erased_while_it_speaks(desk: Desk) -> None:
    """It may finish, but nothing is kept of it."""
    engine = desk.start()
    speaking = engine.generate(request(f"{DOCUMENT}endless please"))
    assert any(isinstance(event, TextDelta) for event in iter(lambda: next(iter(speaking)), None))
    assert list(engine.erase_states(ONE)) == []
    speaking.cancel()
    speaking.wait()
    assert desk.ask(keep=False).finished.usage.cached_tokens == 0
    desk.stop()
    assert not desk.saved()


def test_a_background_request_takes_a_conversation_over_and_it_is_saved_all_the_same(desk: Desk) -> None:
    """As a title is made for it, right behind the answer."""
    engine = desk.start()
    streams = [engine.generate(request()), engine.generate(request(keep=False, labels=frozenset(), max_tokens=3))]
    prompt = hear(streams[0]).finished.usage.prompt_tokens
    hear(streams[1])
    desk.stop()
    (head,) = desk.saved()
    assert head.labels == ONE
    assert head.length >= prompt - 1
