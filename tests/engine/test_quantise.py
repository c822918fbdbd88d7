"""Smaller quants are made by the real quantiser in a child; the size is known before, and nothing half made stays."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import gguf
import psutil
import pytest
from gguf import GGMLQuantizationType as Quant

from backends.core.cancel import CancelToken
from backends.core.errors import (
    BackendError,
    Cancelled,
    EngineError,
    InvalidInput,
    NotFound,
    ResourceError,
    StorageError,
)
from backends.engine import quantise
from backends.engine.loader import NativeEngine
from backends.engine.protocol import GenerateRequest, Sampling, Turn
from backends.engine.quantise import QUANTS, NativeQuantiser, Step
from tests.kit.answers import hear
from tests.kit.ggufs import ANSWER, Shape, random_model, scripted_model
from tests.kit.halting import halt_after, standing
from tests.kit.split import split_gguf

Load = Callable[..., object]
ROOT = Path(__file__).resolve().parents[2]
SHAPE = Shape(width=256, heads=8, ff=512, vocabulary=1024)
LARGE = Shape(layers=4, width=1024, heads=16, kv_heads=4, head=64, ff=4096, vocabulary=4096)


def quantised(source: Path, target: Path, quant: str = "Q4_K_M", *, dry_run: bool = False) -> list[Step]:
    steps = NativeQuantiser().quantise(source, target, quant, threads=2, dry_run=dry_run, cancel=CancelToken())
    return list(steps)


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some work."""
    return random_model(tmp_path_factory.mktemp("models") / "large.gguf", shape=LARGE)


@pytest.mark.parametrize("quant", QUANTS)
def test_every_quant_has_the_size_that_was_said(engine: NativeEngine, load: Load, tmp_path: Path, quant: str) -> None:
    source = random_model(tmp_path / "source.gguf", shape=SHAPE)
    target = tmp_path / f"{quant}.gguf"
    (plan,) = quantised(source, target, quant, dry_run=True)
    assert left_in(tmp_path) == {"source.gguf"}
    first, *steps, last = quantised(source, target, quant)
    assert first == plan
    assert plan.size is not None
    assert target.stat().st_size == plan.size < source.stat().st_size
    assert last == Step(plan.total, plan.total, plan.size)
    assert [step.done for step in steps] == list(range(plan.total))
    assert left_in(tmp_path) == {"source.gguf", target.name}
    header = gguf.GGUFReader(target).fields
    file_type = header["general.file_type"].contents()
    assert gguf.LlamaFileType(file_type).name == f"MOSTLY_{quant}"
    load(target)
    assert hear(engine.generate(GenerateRequest([Turn("user", "Hello!")], max_tokens=3))).finished


@pytest.mark.parametrize(
    ("architecture", "source_quant"),
    [("qwen3", Quant.BF16), ("llama", Quant.F32), ("deepseek2", Quant.F16), ("qwen2", Quant.Q8_0)],
)
def test_from_every_kind_of_source(tmp_path: Path, architecture: str, source_quant: Quant) -> None:
    source = random_model(tmp_path / "source.gguf", architecture, shape=SHAPE, quant=source_quant)
    plan, *_, last = quantised(source, tmp_path / "target.gguf", "Q4_K_S")
    assert (tmp_path / "target.gguf").stat().st_size == plan.size == last.size


def test_what_is_said_stays(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    target = tmp_path / "模型 é.gguf"
    quantised(scripted_model(tmp_path / "scripted.gguf"), target, "Q8_0")
    load(target)
    assert hear(engine.generate(GenerateRequest([Turn("user", "Hello!")], Sampling(temperature=0)))).text == ANSWER


def test_a_split_source_becomes_one_file(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    first = split_gguf(random_model(tmp_path / "whole.gguf", shape=SHAPE), tmp_path, "parts", 12)[0]
    plan, *_ = quantised(first, tmp_path / "target.gguf")
    quantised(tmp_path / "whole.gguf", tmp_path / "same.gguf")
    assert (tmp_path / "target.gguf").stat().st_size == plan.size == (tmp_path / "same.gguf").stat().st_size
    load(tmp_path / "target.gguf")


@pytest.mark.parametrize(
    ("quant", "code"), [("IQ2_XXS", "bad_quant"), ("IQ1_S", "bad_quant"), ("Q4", "bad_quant"), ("", "bad_quant")]
)
def test_what_cannot_be_made(tmp_path: Path, scripted: Path, quant: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        quantised(scripted, tmp_path / "target.gguf", quant, dry_run=True)
    assert caught.value.code == code
    assert "Q4_K_M" in caught.value.hint.zh


def test_what_is_small_already(tmp_path: Path) -> None:
    source = random_model(tmp_path / "source.gguf", shape=SHAPE)
    small = tmp_path / "small.gguf"
    quantised(source, small, "Q4_K_M")
    eight = random_model(tmp_path / "eight.gguf", shape=SHAPE, quant=Quant.Q8_0)
    for path, quant in ((small, "Q3_K_M"), (small, "Q8_0"), (eight, "Q8_0")):
        with pytest.raises(InvalidInput) as caught:
            quantised(path, tmp_path / "target.gguf", quant, dry_run=True)
        assert caught.value.code == "bad_source"


def damaged(what: str, source: Path, folder: Path) -> Path:
    path, data = folder / "damaged.gguf", source.read_bytes()
    match what:
        case "cut":
            path.write_bytes(data[: len(data) // 2])
        case "no GGUF":
            path.write_bytes(b"<html>" * 1000)
        case "of the future":
            path.write_bytes(data.replace(b"qwen2", b"qwen9"))
        case "without layers":
            at = data.index(b"qwen2.block_count") + len(b"qwen2.block_count") + 4
            path.write_bytes(data[:at] + bytes(4) + data[at + 4 :])
        case "one part of two":
            first, second = split_gguf(source, folder, "parts", 20)
            second.unlink()
            return first
    return path


@pytest.mark.parametrize(
    ("what", "kind", "code"),
    [
        ("cut", EngineError, "quantise_failed"),
        ("no GGUF", EngineError, "quantise_failed"),
        ("of the future", EngineError, "quantise_failed"),
        ("without layers", EngineError, "quantise_failed"),
        ("one part of two", EngineError, "quantise_failed"),
        ("missing", NotFound, "file_missing"),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_bad_source(tmp_path: Path, what: str, kind: type, code: str, dry_run: bool) -> None:
    path = damaged(what, random_model(tmp_path / "good.gguf", shape=SHAPE), tmp_path)
    before = left_in(tmp_path)
    with pytest.raises(BackendError) as caught:
        quantised(path, tmp_path / "target.gguf", dry_run=dry_run)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert path.name in caught.value.message.en
    assert path.name in caught.value.message.zh
    assert str(tmp_path) not in caught.value.message.en
    assert left_in(tmp_path) == before


def test_nothing_that_is_there_is_written_over(tmp_path: Path, scripted: Path) -> None:
    target = tmp_path / "target.gguf"
    target.write_bytes(b"precious")
    with pytest.raises(InvalidInput) as caught:
        quantised(scripted, target, "Q8_0")
    assert caught.value.code == "already_there"
    assert target.read_bytes() == b"precious"


def test_what_an_earlier_run_left_is_no_hindrance(tmp_path: Path) -> None:
    source, target = random_model(tmp_path / "source.gguf", shape=SHAPE), tmp_path / "target.gguf"
    (tmp_path / "target.gguf.part").write_bytes(bytes(50_000_000))
    plan, *_ = quantised(source, target)
    assert target.stat().st_size == plan.size
    assert left_in(tmp_path) == {"source.gguf", "target.gguf"}


Begin = Callable[..., tuple[Any, psutil.Process]]


@pytest.fixture
def begun(large: Path, monkeypatch: pytest.MonkeyPatch) -> Begin:
    """A child that stands still with part of the file written, and what is heard of it."""
    halt_after(6, quantise, monkeypatch)  # the plan is the first

    def begin(target: Path, cancel: CancelToken | None = None) -> tuple[Any, psutil.Process]:
        quantiser, wanted = NativeQuantiser(), cancel or CancelToken()
        steps = quantiser.quantise(large, target, "Q4_K_M", threads=2, dry_run=False, cancel=wanted)
        assert [step.done for step in islice(steps, 6)] == [0, 0, 1, 2, 3, 4]
        assert target.with_name(f"{target.name}.part").stat().st_size > 0
        return steps, standing()

    return begin


def test_a_cancel_leaves_nothing(begun: Begin, tmp_path: Path) -> None:
    cancel = CancelToken()
    steps, child = begun(tmp_path / "target.gguf", cancel)
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(steps)
    assert not psutil.pid_exists(child.pid)
    assert left_in(tmp_path) == set()


def test_nobody_listens_any_more(begun: Begin, tmp_path: Path) -> None:
    steps, child = begun(tmp_path / "target.gguf")
    steps.close()
    assert not psutil.pid_exists(child.pid)
    assert left_in(tmp_path) == set()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("number", "code"), [("SIGKILL", "out_of_memory"), ("SIGSEGV", "quantise_failed")])
def test_the_child_dies(begun: Begin, tmp_path: Path, number: str, code: str) -> None:
    import signal

    steps, child = begun(tmp_path / "target.gguf")
    child.send_signal(getattr(signal, number))
    child.resume()
    with pytest.raises(EngineError) as caught:
        list(steps)
    assert caught.value.code == code
    assert "large.gguf" in caught.value.message.en
    assert left_in(tmp_path) == set()


@pytest.mark.skipif(sys.platform == "win32", reason="there an open file keeps its folder")
def test_the_disk_goes_away(begun: Begin, tmp_path: Path) -> None:
    folder = tmp_path / "volume"
    folder.mkdir()
    steps, child = begun(folder / "target.gguf")
    shutil.rmtree(folder)
    child.resume()
    with pytest.raises(StorageError) as caught:
        list(steps)
    assert str(folder) in caught.value.message.zh


def test_a_folder_that_is_not_there(scripted: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        quantised(scripted, tmp_path / "nowhere" / "target.gguf", "Q8_0")


def test_there_is_no_room(large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=30_000_000))
    with pytest.raises(ResourceError) as caught:
        quantised(large, tmp_path / "target.gguf")
    assert caught.value.code == "disk_full"
    assert "0.03 GB" in caught.value.message.en
    assert left_in(tmp_path) == set()


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small disk in a namespace of its own")
def test_the_disk_gets_full_meanwhile(large: Path, tmp_path: Path) -> None:
    """Somebody else takes the room after it was looked for."""
    code = """if True:
        import sys
        from pathlib import Path
        from backends.core.cancel import CancelToken
        from backends.core.errors import BackendError
        from backends.engine.quantise import NativeQuantiser
        source, folder = Path(sys.argv[1]), Path(sys.argv[2])
        steps = NativeQuantiser().quantise(
            source, folder / "target.gguf", "Q4_K_M", threads=2, dry_run=False, cancel=CancelToken())
        size = next(steps).size
        next(steps)
        try:
            with open(folder / "other", "wb", buffering=0) as other:
                while other.write(bytes(1 << 20)) == 1 << 20:
                    pass
        except OSError as error:
            print(error.errno)
        try:
            list(steps)
        except BackendError as error:
            print(error.code, *(path.name for path in folder.iterdir()))
    """
    disk = tmp_path / "disk"
    disk.mkdir()
    script = 'mount -t tmpfs -o size=60m tmpfs "$2" && exec "$0" -c "$3" "$1" "$2"'
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script, sys.executable, large, disk, code],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("this system lets nobody mount")
    assert done.stdout.splitlines()[-1] == "disk_full other", done.stderr
