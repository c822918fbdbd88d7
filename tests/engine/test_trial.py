"""A model is tried in a child first: what dies there is told in a sentence, and this process lives on."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from backends.core.cancel import CancelToken
from backends.core.child import ChildDied
from backends.core.errors import BackendError, Cancelled, EngineError, InvalidInput, NotFound
from backends.engine import trial
from backends.engine.protocol import Adapter, LoadProgress, LoadRequest
from backends.engine.trial import attempt, died_of, read, written
from tests.kit.adapters import redirecting_adapter
from tests.kit.ggufs import ANSWER, Shape, random_model, scripted_model
from tests.kit.halting import halt_after, standing

Stopped = Callable[..., tuple[psutil.Process, Iterator[LoadProgress]]]


def attempted(path: Path, **options: object) -> list[LoadProgress]:
    request = LoadRequest(path, **({"context": 512, "gpu_layers": 0} | options))  # type: ignore[arg-type]
    return list(attempt(request, cancel=CancelToken()))


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("qwen2", {"kv_type": "q8_0", "batch": 64}),
        ("llama", {"context": 256, "threads": 1}),
        ("deepseek2", {"expert_layers_on_cpu": 1}),
    ],
)
def test_what_works_comes_to_its_end(tmp_path: Path, architecture: str, options: dict[str, object]) -> None:
    path = random_model(tmp_path / "model.gguf", architecture)
    fractions = [event.fraction for event in attempted(path, **options)]
    assert fractions == sorted(fractions)
    assert 0 < fractions[0] < fractions[-1] == 1
    assert not psutil.Process().children()


def test_a_request_goes_over_whole(tmp_path: Path) -> None:
    request = LoadRequest(
        path=tmp_path / "模型.gguf",
        context=12,
        kv_type="q8_0",
        gpu_layers=3,
        expert_layers_on_cpu=4,
        threads=5,
        batch=6,
        gpu_split=(1, 2),
        adapters=(Adapter(tmp_path / "a.gguf", 0.5),),
    )
    assert read(written(request)) == request


def without_blocks(path: Path) -> Path:
    """A header at which llama.cpp asserts."""
    data = bytearray(random_model(path).read_bytes())
    at = data.index(b"qwen2.block_count") + len(b"qwen2.block_count") + 4
    data[at : at + 4] = bytes(4)
    path.write_bytes(data)
    return path


def test_the_last_words_of_the_engine(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        attempted(without_blocks(tmp_path / "model.gguf"))
    error = caught.value
    assert error.code == "engine_crashed"
    for words in (error.message.en, error.message.zh):
        assert "model.gguf" in words
        assert "GGML_ASSERT(" in words
        assert "\n" not in words
    assert error.hint.zh


@pytest.mark.parametrize(
    ("what", "kind", "code", "words"),
    [
        ("cut", EngineError, "load_failed", "corrupted or incomplete"),
        ("of the future", InvalidInput, "unsupported_model", "qwen9"),
        ("missing", NotFound, "file_missing", "model.gguf"),
    ],
)
def test_what_the_load_itself_says(
    scripted: Path, tmp_path: Path, what: str, kind: type, code: str, words: str
) -> None:
    path, data = tmp_path / "model.gguf", scripted.read_bytes()
    if what != "missing":
        path.write_bytes(data[: len(data) // 2] if what == "cut" else data.replace(b"qwen2", b"qwen9"))
    with pytest.raises(BackendError) as caught:
        attempted(path)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert words in caught.value.message.en
    assert words in caught.value.message.zh


def test_a_context_that_no_memory_holds(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        attempted(scripted_model(tmp_path / "endless.gguf", context=1 << 30), context=1 << 30)
    assert caught.value.code == "out_of_memory"


def test_adapters_are_tried_with_the_model(scripted: Path, tmp_path: Path) -> None:
    good = redirecting_adapter(tmp_path / "good.gguf", scripted, ANSWER)
    assert attempted(scripted, adapters=(Adapter(good),))[-1] == LoadProgress(1)
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(good.read_bytes()[:-64])
    with pytest.raises(InvalidInput) as caught:
        attempted(scripted, adapters=(Adapter(cut),))
    assert caught.value.code == "bad_adapter"


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Stopped:
    """A child that hangs in the middle of a load, and what is heard of it."""
    halt_after(1, trial, monkeypatch)

    def begin(path: Path, cancel: CancelToken | None = None) -> tuple[psutil.Process, Iterator[LoadProgress]]:
        events = attempt(LoadRequest(path, 512, gpu_layers=0), cancel=cancel or CancelToken())
        next(events)
        return standing(), events

    return begin


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scripted_model(tmp_path_factory.mktemp("models") / "large.gguf", slow=64)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        ("SIGKILL", "out_of_memory", "not enough memory"),
        ("SIGSEGV", "engine_crashed", "SIGSEGV"),
        ("SIGBUS", "load_failed", "could not be read any more"),
    ],
)
def test_how_a_child_can_die(stopped: Stopped, large: Path, number: str, code: str, words: str) -> None:
    child, events = stopped(large)
    child.send_signal(getattr(signal, number))
    child.resume()
    with pytest.raises(EngineError) as caught:
        list(events)
    assert caught.value.code == code
    assert words in caught.value.message.en
    assert "large.gguf" in caught.value.message.zh
    assert not psutil.pid_exists(child.pid)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_file_that_goes_away_while_it_is_read(stopped: Stopped, large: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    os.link(large, path)
    child, events = stopped(path)
    path.unlink()
    child.send_signal(signal.SIGBUS)
    child.resume()
    with pytest.raises(NotFound) as caught:
        list(events)
    assert caught.value.code == "file_missing"


def test_a_file_that_is_cut_while_it_is_mapped(stopped: Stopped, large: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(large.read_bytes())
    child, events = stopped(path)
    os.truncate(path, 4096)
    child.resume()
    with pytest.raises(EngineError) as caught:
        list(events)
    assert caught.value.code == "load_failed"


def test_a_child_that_hangs_is_ended(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    halt_after(0, trial, monkeypatch)
    with pytest.raises(EngineError) as caught:
        list(attempt(LoadRequest(large, 512, gpu_layers=0), cancel=CancelToken(), patience=2.0))
    assert caught.value.code == "engine_crashed"
    assert "did not come to an end" in caught.value.message.en
    assert not psutil.Process().children()


def test_a_cancel_ends_it_at_once(stopped: Stopped, large: Path) -> None:
    cancel = CancelToken()
    child, events = stopped(large, cancel)
    cancelling = threading.Thread(target=cancel.cancel)
    cancelling.start()
    with pytest.raises(Cancelled):
        list(events)
    cancelling.join()
    assert not psutil.pid_exists(child.pid)


Say = Callable[[ChildDied], BackendError]


@pytest.mark.parametrize(
    ("code", "said", "expected", "words"),
    [
        (-6, "ggml/src/ggml-cuda.cu:90: CUDA error: out of memory\n  current device: 0", "out_of_memory", "CUDA error"),
        (1, "terminate called after throwing an instance of 'std::bad_alloc'", "out_of_memory", "not enough memory"),
        (-6, "/a/b.cpp:12: GGML_ASSERT(x > 0) failed\n#1 0x00", "engine_crashed", "(GGML_ASSERT(x > 0) failed)"),
        (-11, "", "engine_crashed", "SIGSEGV"),
        (0xC0000005, "", "engine_crashed", "0xC0000005"),
        (0xC0000006, "", "load_failed", "could not be read"),
        (3, "nothing of interest", "engine_crashed", "model.gguf"),
    ],
)
def test_sentences_for_every_end(tmp_path: Path, code: int, said: str, expected: str, words: str) -> None:
    path = tmp_path / "model.gguf"
    path.touch()
    error = died_of(path, ChildDied(code, said))
    assert error.code == expected
    assert words in error.message.en
    assert error.message.zh
    assert error.hint.en
    assert error.hint.zh
    path.unlink()
    assert died_of(path, ChildDied(code, said)).code == "file_missing"


@pytest.mark.skipif(sys.platform != "linux", reason="counts kilobytes as Linux does")
def test_the_context_has_its_full_size(tmp_path: Path) -> None:
    """In the child: here nothing of it is left."""
    import resource

    shape = Shape(layers=4, width=256, heads=4, kv_heads=4, head=64, context=65536)
    path = random_model(tmp_path / "model.gguf", shape=shape)
    before = psutil.Process().memory_info().rss
    attempted(path, context=65536)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10 > 4 * 2 * 4 * 64 * 2 * 65536
    assert psutil.Process().memory_info().rss - before < 64e6
