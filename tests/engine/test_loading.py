"""Models come and go on the engine's thread; what is wrong with a file is told, and the engine lives on."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from backends.core.crashes import CrashJournal
from backends.core.errors import BackendError, EngineError, InvalidInput, NotFound, Unavailable
from backends.engine import uses
from backends.engine.loader import NativeEngine, engine_info
from backends.engine.loading import parts, threads
from backends.engine.native import library
from backends.engine.native_log import Told
from backends.engine.placement import Placement
from backends.engine.protocol import (
    DeviceUse,
    EngineDevice,
    GenerateRequest,
    LoadFinished,
    LoadProgress,
    LoadRequest,
    Sampling,
    TextDelta,
    Turn,
)
from tests.kit.answers import asleep, hear, overheard
from tests.kit.ggufs import ANSWER, Shape, random_model, scripted_model

Load = Callable[..., object]
GREEDY = Sampling(temperature=0)
ROOT = Path(__file__).resolve().parents[2]
HELLO = GenerateRequest([Turn("user", "Hello!")], GREEDY)


def test_a_load_tells_what_came_of_it(engine: NativeEngine, scripted: Path) -> None:
    assert engine.model is None
    *progress, finished = engine.load(LoadRequest(scripted, context=1000, gpu_layers=0, alias="The scripted one"))
    fractions = [event.fraction for event in progress if isinstance(event, LoadProgress)]
    assert len(fractions) == len(progress) > 0
    assert fractions == sorted(fractions)
    assert isinstance(finished, LoadFinished)
    model = finished.model
    assert (model.alias, model.path, model.architecture) == ("The scripted one", scripted, "qwen2")
    assert (model.context, model.context_train, model.kv_type) == (1024, 32768, "f16")
    assert (model.layers, model.gpu_layers, model.devices, model.notes) == (1, 0, ("CPU",), ())
    assert model.size > 1_000_000
    assert model.seconds > 0
    assert engine.model == model
    list(engine.unload())
    assert engine.model is None


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("qwen2", {"kv_type": "q8_0"}),
        ("qwen3", {}),
        ("llama", {"threads": 1}),
        ("deepseek2", {"kv_type": "q8_0"}),
        ("deepseek2", {"expert_layers_on_cpu": 2}),
        ("legacy deepseek2", {}),
    ],
)
def test_every_architecture_runs(
    engine: NativeEngine, load: Load, tmp_path: Path, architecture: str, options: dict[str, object]
) -> None:
    shape = Shape(mla="legacy" not in architecture)
    load(random_model(tmp_path / "model.gguf", architecture.split()[-1], shape=shape), **options)
    heard = hear(engine.generate(GenerateRequest([Turn("user", "Hello!")], GREEDY, max_tokens=24)))
    assert heard.finished.usage.completion_tokens == 24
    again = hear(engine.generate(GenerateRequest([Turn("user", "Hello!")], GREEDY, max_tokens=24)))
    assert again.finished.usage.cached_tokens == again.finished.usage.prompt_tokens - 1


def test_more_context_than_the_model_was_trained_for(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    model = load(scripted_model(tmp_path / "short.gguf", context=512), context=4096)
    assert model.context == 512  # type: ignore[attr-defined]
    assert "512" in model.notes[0].en  # type: ignore[attr-defined]


def broken(what: str, scripted: Path, folder: Path) -> Path:
    path = folder / "model.gguf"
    data = scripted.read_bytes()
    match what:
        case "cut after it was checked":
            path.write_bytes(data[: len(data) // 2])
        case "no GGUF":
            path.write_bytes(b"<html>Not found</html>" * 100)
        case "empty":
            path.touch()
        case "of the future":
            path.write_bytes(data.replace(b"qwen2", b"qwen9"))
        case "a folder":
            path.mkdir()
    return path


@pytest.mark.parametrize(
    ("what", "kind", "code", "words"),
    [
        ("cut after it was checked", EngineError, "load_failed", "corrupted or incomplete"),
        ("no GGUF", EngineError, "load_failed", "invalid magic"),
        ("empty", EngineError, "load_failed", "model.gguf"),
        ("of the future", InvalidInput, "unsupported_model", "qwen9"),
        ("missing", NotFound, "file_missing", "model.gguf"),
        ("a folder", NotFound, "file_missing", "model.gguf"),
    ],
)
def test_a_file_that_cannot_be_loaded(
    engine: NativeEngine, load: Load, scripted: Path, tmp_path: Path, what: str, kind: type, code: str, words: str
) -> None:
    load(scripted)
    with pytest.raises(BackendError) as caught:
        list(engine.load(LoadRequest(broken(what, scripted, tmp_path), gpu_layers=0)))
    error = caught.value
    assert type(error) is kind
    assert error.code == code
    assert words in error.message.en
    assert error.message.zh
    assert error.hint.en
    assert str(tmp_path) not in error.message.en
    assert engine.model is None
    load(scripted)
    assert hear(engine.generate(HELLO)).text == ANSWER


def test_a_context_that_no_memory_holds(engine: NativeEngine, load: Load, scripted: Path, tmp_path: Path) -> None:
    endless = scripted_model(tmp_path / "endless.gguf", context=1 << 30)
    with pytest.raises(EngineError) as caught:
        list(engine.load(LoadRequest(endless, context=1 << 30, gpu_layers=0)))
    assert caught.value.code == "out_of_memory"
    assert str(1 << 30) in caught.value.message.zh
    load(scripted)
    assert hear(engine.generate(HELLO)).text == ANSWER


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process")
def test_llama_itself_finds_no_memory(scripted: Path) -> None:
    child = """if True:
        import resource, sys
        from pathlib import Path
        from backends.core.errors import EngineError
        from backends.engine.loader import NativeEngine, engine_info
        from backends.engine.protocol import LoadFinished, LoadRequest
        engine_info()
        engine, path = NativeEngine(), Path(sys.argv[1])
        list(engine.load(LoadRequest(path, context=512, gpu_layers=0)))
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 32 * 2**20,) * 2)
        try:
            list(engine.load(LoadRequest(path, context=1 << 18, gpu_layers=0)))
        except EngineError as error:
            print(error.code, error)
        print(isinstance(list(engine.load(LoadRequest(path, context=512, gpu_layers=0)))[-1], LoadFinished))
        engine.close()
    """
    path = scripted_model(scripted.with_name("long.gguf"), context=1 << 18)
    done = subprocess.run(
        [sys.executable, "-c", child, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    code, *_, loaded = done.stdout.split()
    assert (code, loaded) == ("out_of_memory", "True")
    assert str(1 << 18) in done.stdout


def test_a_load_is_cancelled(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    path = scripted_model(tmp_path / "large.gguf", slow=64)
    said = overheard(engine, lambda: engine.load(LoadRequest(path, gpu_layers=0)), lambda stream, _: stream.cancel())
    assert said
    assert all(isinstance(event, LoadProgress) and event.fraction < 1 for event in said)
    assert engine.model is None
    load(path)


def test_a_new_model_comes_when_the_answers_of_the_old_one_are_done(
    engine: NativeEngine, load: Load, scripted: Path
) -> None:
    load(scripted, alias="Old")
    speaking = engine.generate(GenerateRequest([Turn("user", "endless")], GREEDY, max_tokens=200))
    events = iter(speaking)
    while not isinstance(next(events), TextDelta):
        pass
    loading = engine.load(LoadRequest(scripted, 4096, gpu_layers=0, alias="New"))
    after, counted = engine.generate(HELLO), engine.count_tokens(HELLO.turns)
    assert hear([*speaking]).finished.finish_reason == "length"
    assert isinstance([*loading][-1], LoadFinished)
    assert engine.model is not None
    assert engine.model.alias == "New"
    assert hear(after).text == ANSWER
    assert len([*counted]) == 1


def test_who_waits_for_a_model_may_go(engine: NativeEngine, load: Load, scripted: Path) -> None:
    """Cancelled while the answers of the old one go on: a load, an unload, an answer of the new one."""
    load(scripted)
    speaking = engine.generate(GenerateRequest([Turn("user", "endless")], GREEDY))
    events = iter(speaking)
    next(events)
    loading, after = engine.load(LoadRequest(scripted, 512, gpu_layers=0)), engine.generate(HELLO)
    unloading = engine.unload()
    for stream in (after, unloading, loading):
        stream.cancel()
    assert hear(after).finished.finish_reason == "cancelled"
    assert ([*unloading], [*loading]) == ([], [])
    speaking.cancel()
    assert hear([*events]).finished.finish_reason == "cancelled"
    assert hear(engine.generate(HELLO)).text == ANSWER


def test_between_two_models_requests_wait(engine: NativeEngine, load: Load, scripted: Path) -> None:
    load(scripted)
    list(engine.unload(another=True))
    waiting, gone = engine.generate(HELLO), engine.generate(HELLO)
    gone.cancel()
    assert hear(gone).finished.finish_reason == "cancelled"
    load(scripted)
    assert hear(waiting).text == ANSWER
    list(engine.unload(another=True))
    waiting = engine.generate(HELLO)
    list(engine.unload())
    with pytest.raises(Unavailable):
        list(waiting)


def test_between_two_tries_of_a_load_requests_wait(engine: NativeEngine, scripted: Path, tmp_path: Path) -> None:
    def fails(*, last: bool) -> None:
        with pytest.raises(NotFound):
            list(engine.load(LoadRequest(tmp_path / "gone.gguf", 512, gpu_layers=0), last=last))

    fails(last=False)
    waiting = engine.generate(HELLO)
    fails(last=False)
    list(engine.load(LoadRequest(scripted, 512, gpu_layers=0), last=False))
    assert hear(waiting).text == ANSWER
    fails(last=False)
    waiting = engine.generate(HELLO)
    fails(last=True)
    with pytest.raises(Unavailable):
        hear(waiting)


@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
def test_models_come_and_go_without_a_trace(engine: NativeEngine, load: Load, scripted: Path) -> None:
    def traces() -> tuple[int, int, int]:
        maps = Path("/proc/self/maps").read_text().count("scripted.gguf")
        fds, tasks = (sum(1 for _ in Path(f"/proc/self/{what}").iterdir()) for what in ("fd", "task"))
        return fds, tasks, maps

    def come_and_go() -> None:
        load(scripted, threads=2)  # with as many as compute best there may be other threads each time
        hear(engine.generate(HELLO))
        list(engine.unload())

    come_and_go()
    before = traces()
    for _ in range(10):
        come_and_go()
    after = traces()
    assert after[2] == before[2] == 0
    assert after[0] <= before[0]  # what another test left may have ended meanwhile
    assert after[1] <= before[1]


def test_only_the_engine_thread_touches_llama(
    engine: NativeEngine, load: Load, scripted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    llama, callers = library().llama, {}

    def watched(name: str, function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            callers.setdefault(threading.current_thread().name, set()).add(name)
            return function(*arguments)

        return call

    for name in dir(llama):
        if name.startswith("llama_") and hasattr(function := getattr(llama, name), "argtypes"):
            monkeypatch.setattr(llama, name, watched(name, function))
    load(scripted)
    assert hear(engine.generate(HELLO)).text == ANSWER
    list(engine.count_tokens([Turn("user", "Hello!")]))
    list(engine.unload())
    assert set(callers) == {"engine"}
    assert {"llama_model_load_from_file", "llama_decode", "llama_tokenize", "llama_model_free"} <= callers["engine"]


def test_the_journal_knows_what_native_work_is_going_on(scripted: Path, tmp_path: Path) -> None:
    journal = CrashJournal(tmp_path)
    journal.start()
    engine = NativeEngine(journal)
    marks = []
    with asleep(engine):
        loading = engine.load(LoadRequest(scripted, gpu_layers=0, alias="One"))
        loading.on_wake(lambda: marks.append((tmp_path / "native.json").exists()))
    loading.wait()
    speaking = engine.generate(HELLO)
    speaking.wait()
    engine.close()
    assert True in marks
    assert not (tmp_path / "native.json").exists()
    journal.finish()


def test_what_the_engine_is() -> None:
    info = engine_info()
    assert info.version.startswith("0.3.")
    (processor,) = (device for device in info.devices if device.kind == "cpu")
    assert processor.name == "CPU"
    assert processor.memory_total > 1 << 28
    assert "CPU" in info.system
    assert 1 <= threads() <= (os.cpu_count() or 1)


def test_a_split_model_needs_all_its_files(tmp_path: Path) -> None:
    names = [f"big-Q4_K_M-0000{n}-of-00003.gguf" for n in (1, 2, 3)]
    for name in names:
        (tmp_path / name).touch()
    assert [path.name for path in parts(tmp_path / names[0])] == names
    (tmp_path / names[1]).unlink()
    with pytest.raises(NotFound, match="00002"):
        parts(tmp_path / names[0])


def gpu(name: str) -> EngineDevice:
    return EngineDevice(name, name, "gpu", 8 << 30, 8 << 30)


PROCESSOR = EngineDevice("CPU", "CPU", "cpu", 16 << 30, 16 << 30)


@pytest.mark.parametrize(
    ("devices", "placed", "asked", "label", "note"),
    [
        ([gpu("CUDA0"), PROCESSOR], ["CUDA0"] * 5, -1, "CUDA0", ""),
        ([gpu("CUDA0"), PROCESSOR], ["CUDA0"] * 5, 99, "CUDA0", ""),
        ([gpu("CUDA0"), PROCESSOR], ["CPU", "CPU", "CUDA0", "CUDA0", "CUDA0"], 3, "CUDA0 + CPU (2 of 4 layers)", ""),
        ([gpu("A"), gpu("B"), PROCESSOR], ["A", "A", "B", "B", "B"], -1, "A + B", ""),
        (
            [gpu("CUDA0"), PROCESSOR],
            ["CPU", "CPU", "CUDA0", "CUDA0", "CPU"],
            3,
            "CUDA0 + CPU (2 of 4 layers)",
            "Only 2",
        ),
        ([gpu("CUDA0"), PROCESSOR], ["CPU"] * 5, -1, "CPU", "The GPU was not used"),
        ([PROCESSOR], ["CPU"] * 5, -1, "CPU", "sees none"),
        ([PROCESSOR], ["CPU"] * 5, 0, "CPU", ""),
    ],
)
def test_where_the_layers_are(devices: list, placed: list, asked: int, label: str, note: str) -> None:
    placement = Placement.read(placed, tuple(devices), 4)
    assert placement.label == label
    assert [note in phrase.en for phrase in placement.notes(asked)] == ([True] if note else [])


@pytest.mark.parametrize(
    ("placed", "asked", "split", "notes"),
    [
        ("CPU A A B B", 4, (2, 2), []),
        ("CPU A A A B", 4, (2, 2), ["3 on A instead of 2, 1 on B instead of 2"]),
        ("CPU CPU A B B", 4, (2, 2), ["Only 3 of the 4", "1 on A instead of 2."]),
        ("B B B B B", -1, (0, 5), []),
        ("A A A A A", -1, (0, 5), ["5 on A instead of 0, 0 on B instead of 5"]),
        ("A A B B B", -1, (1, 2, 2), ["planned for 3 GPUs, but the engine sees 2"]),
        ("A A B B B", -1, (), []),
        ("CPU CPU CPU CPU CPU", 5, (3, 2), ["The GPU was not used"]),
        ("CPU CPU CPU CPU CPU", 0, (), []),
    ],
)
def test_layers_on_other_gpus_than_planned(placed: str, asked: int, split: tuple, notes: list[str]) -> None:
    placement = Placement.read(placed.split(), (gpu("A"), gpu("B"), PROCESSOR), 4)
    said = placement.notes(asked, split)
    assert [note in phrase.en for note, phrase in zip(notes, said, strict=True)] == [True] * len(notes)
    assert all(phrase.zh for phrase in said)


def test_a_split_for_gpus_that_are_not_there(engine: NativeEngine, load: Load, scripted: Path) -> None:
    if any(device.kind in ("gpu", "igpu") for device in engine_info().devices):
        pytest.skip("this engine has a GPU")
    model = load(scripted, gpu_layers=2, gpu_split=(1, 1))
    assert "sees none" in model.notes[0].en  # type: ignore[attr-defined]
    assert load(scripted, gpu_layers=0, gpu_split=(0, 0)).notes == ()  # type: ignore[attr-defined]


def test_what_a_load_takes(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    """Main memory: weights, the whole cache, and what is computed on the way, by llama.cpp's log."""
    shape = Shape(layers=8, width=256, heads=4, kv_heads=4, head=64, ff=4096, context=32768, vocabulary=8192)
    path = random_model(tmp_path / "model.gguf", shape=shape)
    load(path, context=256)
    list(engine.unload())
    cache = 8 * 2 * 4 * 64 * 2
    for context, computed in ((4096, 30.01), (32768, 58.01)):
        (use,) = load(path, context=context).uses  # type: ignore[attr-defined]
        assert use.name == "CPU"
        expected = path.stat().st_size + cache * context + computed * 2**20
        assert use.bytes == pytest.approx(expected, abs=8e6)
        list(engine.unload())


def test_a_load_never_takes_less_than_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other programs give memory back meanwhile, and so does this one."""
    full, less = (replace(gpu("CUDA0"), memory_free=free) for free in (5000, 3000))
    made = Told(
        [
            (2, "sched_reserve:      CUDA0 compute buffer size =   300.00 MiB"),
            (2, "sched_reserve:        CPU compute buffer size =     1.50 MiB"),
        ]
    )
    resident = iter([2 << 30, 1 << 30, 1 << 30])
    monkeypatch.setattr(uses, "_resident", lambda: next(resident))
    meter = uses.Meter([less, PROCESSOR])
    meter.context_made(made)
    assert meter.uses([full, PROCESSOR]) == (DeviceUse("CPU", 3 << 19),)
    resident = iter([1000, 2000, 2000 + (4 << 20)])
    meter = uses.Meter([full, PROCESSOR])
    meter.context_made(made)
    assert meter.uses([less, PROCESSOR]) == (DeviceUse("CPU", 1000 + (4 << 20)), DeviceUse("CUDA0", 2000))


def test_a_gpu_was_asked_for_and_the_engine_has_none(engine: NativeEngine, load: Load, scripted: Path) -> None:
    if any(device.kind == "gpu" for device in engine_info().devices):
        pytest.skip("this engine has a GPU")
    model = load(scripted, gpu_layers=-1)
    assert "sees none" in model.notes[0].en  # type: ignore[attr-defined]


def test_a_template_that_does_not_parse_is_replaced(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    model = load(scripted_model(tmp_path / "model.gguf", template="{% if %}"))
    assert "A plain one is used" in model.notes[0].en  # type: ignore[attr-defined]
    assert hear(engine.generate(HELLO)).text == ANSWER


def test_a_path_with_every_kind_of_character(engine: NativeEngine, load: Load, scripted: Path, tmp_path: Path) -> None:
    path = tmp_path / "模型 é'💡" / "a b.gguf"
    path.parent.mkdir()
    shutil.copy(scripted, path)
    load(path)
    assert hear(engine.generate(HELLO)).text == ANSWER
