"""LoRA adapters come, change their strength and go while the model stays; a bad one changes nothing."""

import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import psutil
import pytest

from backends.core.errors import BackendError, InvalidInput, NotFound, Unavailable
from backends.core.stream import Stream
from backends.engine import trial
from backends.engine.loader import NativeEngine
from backends.engine.protocol import (
    Adapter,
    GenerateEvent,
    GenerateRequest,
    LoadedModel,
    LoadRequest,
    ReasoningDelta,
    Sampling,
    TextDelta,
    Turn,
)
from tests.kit.adapters import adapter, random_adapter, redirecting_adapter
from tests.kit.answers import Heard, hear
from tests.kit.ggufs import ANSWER, Shape, random_model
from tests.kit.halting import halt_after
from tests.kit.scheduling import desk

Load = Callable[..., LoadedModel]
GREEDY = Sampling(temperature=0)
BRIEF = "直接回答，没有思考。"


def ask(engine: NativeEngine, question: str = "Hello!", **options: object) -> Heard:
    return hear(engine.generate(GenerateRequest([Turn("user", question)], GREEDY, **options)))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def redirecting(scripted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With it the scripted model thinks as always and then says BRIEF."""
    return redirecting_adapter(tmp_path_factory.mktemp("adapters") / "redirecting.gguf", scripted, BRIEF)


def test_on_scaled_and_off_without_loading_again(
    engine: NativeEngine, load: Load, scripted: Path, redirecting: Path
) -> None:
    loaded = load(scripted)
    assert ask(engine).text == ANSWER

    def with_scale(scale: float) -> str:
        wanted = (Adapter(redirecting, scale),)
        assert list(engine.set_adapters(wanted)) == [wanted]
        assert engine.model is not None
        assert engine.model.adapters == wanted
        return ask(engine).text

    assert [with_scale(scale) for scale in (1, 0.05, 0.5, 0, 1)] == [BRIEF, ANSWER, BRIEF, ANSWER, BRIEF]
    assert list(engine.set_adapters([])) == [()]
    assert ask(engine).text == ANSWER
    assert engine.model == loaded


def test_with_the_load(engine: NativeEngine, load: Load, scripted: Path, redirecting: Path) -> None:
    model = load(scripted, adapters=(Adapter(redirecting),))
    assert model.adapters == (Adapter(redirecting),)
    assert ask(engine).text == BRIEF
    load(scripted)
    assert ask(engine).text == ANSWER


def test_two_add_up(engine: NativeEngine, load: Load, scripted: Path, redirecting: Path, tmp_path: Path) -> None:
    weak = [tmp_path / "one.gguf", tmp_path / "two.gguf"]
    for path in weak:
        redirecting_adapter(path, scripted, BRIEF, strength=2)
    load(scripted)
    texts = []
    for used in (weak[:1], weak[1:], weak):
        list(engine.set_adapters([Adapter(path) for path in used]))
        texts.append(ask(engine).text)
    assert texts == [ANSWER, ANSWER, BRIEF]


def test_what_was_computed_with_others_is_not_taken_over(
    engine: NativeEngine, load: Load, scripted: Path, redirecting: Path
) -> None:
    load(scripted)
    document = "A long document. " * 20
    ask(engine, document)
    assert ask(engine, document).finished.usage.cached_tokens > len(document)
    list(engine.set_adapters([Adapter(redirecting)]))
    first, again = ask(engine, document), ask(engine, document)
    assert (first.finished.usage.cached_tokens, first.text) == (0, BRIEF)
    assert again.finished.usage.cached_tokens > len(document)
    list(engine.set_adapters([Adapter(redirecting)]))  # nothing changes
    assert ask(engine, document).finished.usage.cached_tokens > len(document)


def test_an_answer_that_is_running_comes_to_its_end_first(
    engine: NativeEngine, load: Load, scripted: Path, redirecting: Path
) -> None:
    load(scripted)
    speaking = engine.generate(GenerateRequest([Turn("user", "Hello!")], GREEDY))
    events = iter(speaking)
    while not isinstance(event := next(events), ReasoningDelta):
        pass
    change = engine.set_adapters([Adapter(redirecting)])
    after = engine.generate(GenerateRequest([Turn("user", "Hello!")], GREEDY))
    assert hear([event, *speaking]).text == ANSWER
    assert list(change) == [(Adapter(redirecting),)]
    assert hear(after).text == BRIEF


def test_a_change_nobody_waits_for_any_more(
    engine: NativeEngine, load: Load, scripted: Path, redirecting: Path
) -> None:
    load(scripted)
    speaking = engine.generate(GenerateRequest([Turn("user", "endless please")], GREEDY))
    events = iter(speaking)
    while not isinstance(next(events), TextDelta):
        pass
    cancelled = engine.set_adapters([Adapter(redirecting)])
    after = engine.generate(GenerateRequest([Turn("user", "Hello!")], GREEDY))
    cancelled.cancel()
    assert list(cancelled) == []
    speaking.cancel()
    assert hear(after).text == ANSWER
    assert engine.model is not None
    assert engine.model.adapters == ()


# ---- for one answer


def asked(
    engine: NativeEngine, *adapters: Adapter, question: str = "Hello!", **options: object
) -> Stream[GenerateEvent]:
    turns = [Turn("user", question)]
    return engine.generate(GenerateRequest(turns, GREEDY, adapters=adapters, **options))  # type: ignore[arg-type]


def test_each_answer_with_its_own(engine: NativeEngine, load: Load, scripted: Path, redirecting: Path) -> None:
    """Side by side: none, one, weak; and those that are on for all, where an answer does not say."""
    load(scripted, parallel=6)
    one, weak = Adapter(redirecting), Adapter(redirecting, 0.05)
    wanted = [[], [one], [weak], [one], []]
    streams = [asked(engine, *adapters) for adapters in wanted]
    assert [hear(stream).text for stream in streams] == [ANSWER, BRIEF, ANSWER, BRIEF, ANSWER]
    assert ask(engine).text == ANSWER
    list(engine.set_adapters([one]))
    streams = [asked(engine), asked(engine, weak), engine.generate(GenerateRequest([Turn("user", "Hello!")], GREEDY))]
    assert [hear(stream).text for stream in streams] == [ANSWER, ANSWER, BRIEF]


def test_what_was_read_with_others_is_not_shared(
    engine: NativeEngine, load: Load, scripted: Path, redirecting: Path
) -> None:
    load(scripted, parallel=4)
    document, one = "A long document. " * 20, Adapter(redirecting)
    first = [hear(asked(engine, *adapters, question=document)) for adapters in ([one], [])]
    again = [hear(asked(engine, *adapters, question=document)) for adapters in ([one], [])]
    assert [heard.finished.usage.cached_tokens for heard in first] == [0, 0]
    assert all(heard.finished.usage.cached_tokens > len(document) for heard in again)
    assert [heard.text for heard in again] == [BRIEF, ANSWER]


def test_a_bad_one_is_nobody_elses_matter(
    engine: NativeEngine, load: Load, scripted: Path, redirecting: Path, tmp_path: Path
) -> None:
    load(scripted, parallel=4)
    speaking = engine.generate(GenerateRequest([Turn("user", "endless please")], GREEDY, max_tokens=300))
    ends = bad("a header that ends the process", tmp_path, scripted)
    for adapters, code in (
        ([Adapter(ends)], "bad_adapter"),
        ([Adapter(redirecting), Adapter(redirecting)], "bad_adapter"),
        ([Adapter(redirecting, math.nan)], "bad_adapter"),
        ([Adapter(tmp_path / "gone.gguf")], "file_missing"),
    ):
        with pytest.raises(BackendError) as caught:
            list(asked(engine, *adapters))
        assert caught.value.code == code
    cancelled = asked(engine, Adapter(ends))
    cancelled.cancel()
    assert hear(cancelled).finished.finish_reason == "cancelled"
    assert hear(speaking).finished.finish_reason == "length"
    assert hear(asked(engine, Adapter(redirecting))).text == BRIEF


def test_many_files_for_single_answers_are_not_all_kept(scripted: Path, redirecting: Path, tmp_path: Path) -> None:
    files = [Path(shutil.copy(redirecting, tmp_path / f"{n}.gguf")) for n in range(8)]
    with desk(scripted, parallel=2) as two:
        jobs = [two.ask(adapters=(Adapter(file),)) for file in files]
        assert [heard.text for heard in two.heard(*jobs)] == 8 * [BRIEF]
        assert two.scheduler._adapters is not None
        assert len(two.scheduler._adapters._loaded) <= 5
        two.heard(two.ask(adapters=(Adapter(files[0]),)))
        assert two.heard(two.ask())[0].text == ANSWER


def bad(what: str, folder: Path, model: Path) -> Path:
    path, width = folder / "adapter.gguf", 64
    pair = (np.ones((2, width)), np.ones((100, 2)))
    good = redirecting_adapter(folder / "good.gguf", model, BRIEF)
    match what:
        case "for another architecture":
            adapter(path, {"output.weight": pair}, architecture="llama")
        case "of another shape":
            adapter(path, {"output.weight": pair})
        case "for a tensor that is not there":
            adapter(path, {"blk.7.attn_q.weight": pair})
        case "with one half":
            adapter(path, {"output.weight": pair}, names={"b": ".lora_c"})
        case "a model":
            shutil.copy(model, path)
        case "cut short":
            path.write_bytes(good.read_bytes()[:-100])
        case "no GGUF":
            path.write_bytes(b"<html>Not found</html>" * 100)
        case "empty":
            path.touch()
        case "a header that ends the process":  # llama.cpp reads a number where it expects text, and asserts
            data = bytearray(good.read_bytes())
            at = data.index(b"adapter.lora.alpha") + len(b"adapter.lora.alpha")
            data[at : at + 4] = (4).to_bytes(4, "little")
            path.write_bytes(data)
        case "numbers that are none":
            redirecting_adapter(path, model, BRIEF, strength=math.nan)
        case "integers":
            redirecting_adapter(path, model, BRIEF)
            data = path.read_bytes()
            at = data.index(b"output.weight.lora_a") + len(b"output.weight.lora_a") + 4 + 16
            path.write_bytes(data[:at] + (26).to_bytes(4, "little") + data[at + 4 :])  # GGML_TYPE_I32
    return path


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("for another architecture", "arch mismatch"),
        ("of another shape", "incorrect shape"),
        ("for a tensor that is not there", "does not exist in base model"),
        ("with one half", "unexpected suffix"),
        ("a model", "general.type"),
        ("cut short", "not within the file bounds"),
        ("no GGUF", ""),
        ("empty", ""),
        ("a header that ends the process", "GGML_ASSERT"),
        ("numbers that are none", "damaged"),
        ("integers", ""),
    ],
)
def test_a_bad_adapter_changes_nothing(
    engine: NativeEngine, load: Load, scripted: Path, redirecting: Path, tmp_path: Path, what: str, words: str
) -> None:
    load(scripted)
    list(engine.set_adapters([Adapter(redirecting)]))
    before = engine.model
    path = bad(what, tmp_path, scripted)
    with pytest.raises(InvalidInput) as caught:
        list(engine.set_adapters([Adapter(path)]))
    error = caught.value
    assert error.code == "bad_adapter"
    assert "adapter.gguf" in error.message.en
    assert "adapter.gguf" in error.message.zh
    assert words in error.message.en
    assert str(tmp_path) not in error.message.en + error.message.zh
    assert engine.model == before
    assert ask(engine).text == BRIEF


def test_random_damage(engine: NativeEngine, load: Load, scripted: Path, redirecting: Path, tmp_path: Path) -> None:
    """Bytes of the header, each time others: taken or refused, and the engine answers after it."""
    load(scripted)
    good, path = redirecting.read_bytes(), tmp_path / "adapter.gguf"
    header = good.index(b"output.weight.lora_b") + 60
    refused = []
    for seed in range(8):
        random, data = Random(seed), bytearray(good)
        for _ in range(random.choice((1, 1, 2, 4))):
            data[random.randrange(header)] = random.choice((0, 1, 255, random.randrange(256)))
        path.write_bytes(data)
        try:
            list(engine.set_adapters([Adapter(path)]))
        except InvalidInput as error:
            refused.append(error.message.en)
        assert ask(engine).text in (ANSWER, BRIEF)
    assert len(refused) > 3
    assert all(words.isprintable() for words in refused)


def test_a_bad_adapter_with_the_load(engine: NativeEngine, load: Load, scripted: Path, tmp_path: Path) -> None:
    path = bad("a header that ends the process", tmp_path, scripted)
    with pytest.raises(InvalidInput) as caught:
        list(engine.load(LoadRequest(scripted, gpu_layers=0, adapters=(Adapter(path),))))
    assert caught.value.code == "bad_adapter"
    assert engine.model is None
    load(scripted)
    assert ask(engine).text == ANSWER


def test_wishes_that_make_no_sense(
    engine: NativeEngine, load: Load, scripted: Path, redirecting: Path, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable):
        list(engine.set_adapters([]))
    load(scripted)
    for adapters, kind, code in (
        ([Adapter(redirecting), Adapter(redirecting, 0.5)], InvalidInput, "bad_adapter"),
        ([Adapter(redirecting, math.inf)], InvalidInput, "bad_adapter"),
        ([Adapter(tmp_path / "gone.gguf")], NotFound, "file_missing"),
    ):
        with pytest.raises(BackendError) as caught:
            list(engine.set_adapters(adapters))
        assert (type(caught.value), caught.value.code) == (kind, code)
        assert ask(engine).text == ANSWER


def test_a_file_that_was_replaced_is_read_again(
    engine: NativeEngine, load: Load, scripted: Path, tmp_path: Path
) -> None:
    path = redirecting_adapter(tmp_path / "adapter.gguf", scripted, BRIEF)
    load(scripted)
    list(engine.set_adapters([Adapter(path)]))
    assert ask(engine).text == BRIEF
    redirecting_adapter(tmp_path / "new.gguf", scripted, BRIEF, strength=1).replace(path)
    list(engine.set_adapters([Adapter(path)]))
    assert ask(engine).text == ANSWER


@pytest.mark.parametrize(
    ("architecture", "tensors"),
    [
        ("qwen3", ("blk.0.attn_q.weight", "blk.1.ffn_down.weight")),
        ("llama", ("blk.0.attn_v.weight", "blk.1.ffn_up.weight")),
        ("deepseek2", ("blk.0.attn_output.weight", "blk.1.ffn_down_exps.weight")),
    ],
)
def test_every_architecture_takes_adapters(
    engine: NativeEngine, load: Load, tmp_path: Path, architecture: str, tensors: tuple[str, ...]
) -> None:
    model = random_model(tmp_path / "model.gguf", architecture, shape=Shape())
    path = random_adapter(tmp_path / "adapter.gguf", model, *tensors, architecture=architecture)
    load(model)
    plain = ask(engine, max_tokens=24).reasoning
    list(engine.set_adapters([Adapter(path)]))
    assert ask(engine, max_tokens=24).reasoning != plain
    list(engine.set_adapters([Adapter(path, 0)]))
    assert ask(engine, max_tokens=24).reasoning == plain


def test_a_change_is_cancelled_while_the_adapter_is_tried(
    engine: NativeEngine, load: Load, scripted: Path, redirecting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    halt_after(0, trial, monkeypatch)
    load(scripted)
    change = engine.set_adapters([Adapter(redirecting)])
    while not (tried := psutil.Process().children()):
        assert not change.wait(0.02)
    change.cancel()
    assert list(change) == []
    psutil.wait_procs(tried)
    monkeypatch.undo()
    assert ask(engine).text == ANSWER


@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
def test_adapters_come_and_go_without_a_trace(tmp_path: Path) -> None:
    """Each is 12 MB; what is not freed would be there eight times."""
    model = random_model(tmp_path / "model.gguf", shape=Shape(width=512, heads=16, ff=1024, vocabulary=4096))
    path = random_adapter(tmp_path / "adapter.gguf", model, "output.weight", "blk.0.ffn_up.weight", rank=500)
    child = [sys.executable, "-m", "tests.engine.adapting_child", model, path, "8"]
    stayed = subprocess.run(child, check=True, capture_output=True, text=True, timeout=120).stdout
    assert int(stayed) < 3 * path.stat().st_size
