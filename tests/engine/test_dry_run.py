"""llama.cpp tells what a model would take, in a child process, without taking it."""

import contextlib
import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, Cancelled, EngineError, InvalidInput
from backends.engine.bare_header import NotUnderstood, write_bare
from backends.engine.dry_run import Allocation, NativeDryRun, allocations
from backends.engine.protocol import EngineDevice
from backends.models.ports import DryRun
from tests.kit.real_models import REAL
from tests.kit.shapes import shaped_model
from tests.kit.split import split_gguf

MIB = 1 << 20
SMALL = dataclasses.replace(REAL["r1-distill-qwen-1.5b"].small(vocabulary=1024), width=512, heads=4, ff=1024)


@pytest.fixture(scope="module")
def dry() -> Iterator[NativeDryRun]:
    one = NativeDryRun()
    yield one
    one.close()


def ask(dry: DryRun, path: Path, *, cancel: CancelToken | None = None, **changes) -> tuple[Allocation, ...]:
    options = {
        "context": 4096, "kv_type": "f16", "gpu_layers": 0, "expert_layers_on_cpu": 0, "gpu_split": (), "batch": 512,
        "sequences": 1, "outputs": 1, "embeddings": False,
    } | changes  # fmt: skip
    return tuple(dry.measure(path, cancel=cancel or CancelToken(), **options))  # type: ignore[arg-type]


def test_a_header_is_enough(dry: NativeDryRun, tmp_path: Path) -> None:
    path = shaped_model(tmp_path / "m.gguf", REAL["v3"])
    assert path.stat().st_size > 400e9
    assert ask(dry, path, context=8192) == (Allocation("CPU", "cpu", 549 * MIB, round(416.01 * MIB)),)


def test_all_caches_of_v4_and_one_for_each_sequence(dry: NativeDryRun, tmp_path: Path) -> None:
    path = shaped_model(tmp_path / "m.gguf", REAL["v4-flash-0731"])
    one, four = (ask(dry, path, context=32768, sequences=count)[0].kv for count in (1, 4))
    assert one / MIB == pytest.approx(258.89, abs=0.02)
    assert four == pytest.approx(4 * one, rel=1e-4)


def test_sequences_share_one_cache_elsewhere_and_outputs_are_never_fewer(dry: NativeDryRun, tmp_path: Path) -> None:
    path = shaped_model(tmp_path / "m.gguf", SMALL)
    assert ask(dry, path, sequences=8, outputs=1) == ask(dry, path)


def test_the_next_question_finds_the_child_warm(dry: NativeDryRun, tmp_path: Path) -> None:
    path = shaped_model(tmp_path / "m.gguf", SMALL)
    ask(dry, path)
    before = dry.pid
    kv = [ask(dry, path, context=context)[0].kv for context in (1024, 2048, 4096)]
    assert kv == [kv[0], 2 * kv[0], 4 * kv[0]]
    assert dry.pid == before


def test_a_child_may_be_ready_before_the_first_question(tmp_path: Path) -> None:
    dry = NativeDryRun()
    dry.warm_up(cancel=CancelToken())
    before = dry.pid
    assert before
    ask(dry, shaped_model(tmp_path / "m.gguf", SMALL))
    assert dry.pid == before
    dry.close()


def test_another_file_under_the_same_name_is_read_anew(dry: NativeDryRun, tmp_path: Path) -> None:
    path = shaped_model(tmp_path / "m.gguf", SMALL)
    one = ask(dry, path)[0].kv
    shaped_model(path, dataclasses.replace(SMALL, layers=2))
    assert ask(dry, path)[0].kv * 3 == one * 2


def test_without_the_vocabulary_sizes_are_the_same(dry: NativeDryRun, tmp_path: Path) -> None:
    path = shaped_model(tmp_path / "m.gguf", REAL["v2-lite"].small())
    folder = tmp_path / "bare"
    folder.mkdir()
    (bare,) = write_bare(path, folder)
    assert bare.stat().st_size < path.stat().st_size - 4096 * 8
    with pytest.raises(NotUnderstood):
        write_bare(bare, tmp_path)  # there is nothing to leave out any more
    assert ask(dry, bare) == ask(dry, path)


def test_a_split_model(dry: NativeDryRun, tmp_path: Path) -> None:
    whole = shaped_model(tmp_path / "m.gguf", SMALL, weights="noise")
    first, *_ = split_gguf(whole, tmp_path, "parts", 8)
    assert ask(dry, first) == ask(dry, whole)
    first.with_name(first.name.replace("00001", "00002")).unlink()
    with pytest.raises(EngineError) as refused:
        ask(dry, first, context=1024)
    assert refused.value.code == "load_failed"


def test_what_llama_cpp_does_not_know_is_refused_in_its_words(dry: NativeDryRun, tmp_path: Path) -> None:
    path = shaped_model(tmp_path / "m.gguf", dataclasses.replace(SMALL, architecture="deepseek41"))
    with pytest.raises(InvalidInput) as refused:
        ask(dry, path)
    assert refused.value.code == "unsupported_model"
    assert "deepseek41" in refused.value.message.en
    assert str(tmp_path) not in refused.value.message.en


@pytest.mark.parametrize("content", [b"", b"GGUF", b"GGUF" + b"\xff" * 100, b"<html>" * 1000])
def test_what_is_no_model_is_refused(content: bytes, dry: NativeDryRun, tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(content)
    with pytest.raises(EngineError) as refused:
        ask(dry, path)
    assert refused.value.code == "load_failed"
    with pytest.raises(EngineError):
        ask(dry, tmp_path / "not there.gguf")


def test_a_header_that_ends_the_child_is_told_with_the_assertion(dry: NativeDryRun, tmp_path: Path) -> None:
    path = shaped_model(tmp_path / "m.gguf", dataclasses.replace(REAL["v2-lite"].small(), used=100))
    with pytest.raises(EngineError) as died:
        ask(dry, path)
    assert died.value.code == "engine_crashed"
    assert "GGML_ASSERT(n_expert_used" in died.value.message.en
    assert ask(dry, shaped_model(tmp_path / "m.gguf", SMALL))[0].kv


def test_a_cancelled_question_costs_nothing(tmp_path: Path) -> None:
    path, cancel, dry = shaped_model(tmp_path / "m.gguf", SMALL), CancelToken(), NativeDryRun()
    cancel.cancel()
    with pytest.raises(Cancelled):
        ask(dry, path, cancel=cancel)
    dry.close()
    dry.close()


def test_threads_take_turns(dry: NativeDryRun, tmp_path: Path) -> None:
    path = shaped_model(tmp_path / "m.gguf", SMALL)
    found: dict[int, int] = {}

    def measure(context: int) -> None:
        found[context] = ask(dry, path, context=context)[0].kv

    threads = [threading.Thread(target=measure, args=(256 * number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {context: kv // found[256] for context, kv in found.items()} == {256 * n: n for n in range(1, 9)}


def test_a_child_that_nobody_asks_is_let_go(tmp_path: Path) -> None:
    dry = NativeDryRun(idle=0.5)
    ask(dry, shaped_model(tmp_path / "m.gguf", SMALL))
    if (pid := dry.pid) is not None:  # it may have gone already
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).wait(60)
    dry.close()
    assert dry.pid is None


LOG = """
load_tensors: layer   0 assigned to device CPU, is_swa = 0
llama_kv_cache: layer   0: dev = CPU
llama_kv_cache: layer   1: dev = CUDA0
llama_kv_cache: layer   2: dev = CUDA0
llama_kv_cache: layer   3: dev = CUDA1
llama_kv_cache:        CPU KV buffer size =     0.00 MiB
llama_kv_cache: size =  128.00 MiB (  8192 cells,   4 layers,  1/1 seqs), K (f16):   64.00 MiB, V (f16):   64.00 MiB
llama_dsv4_comp_state: layer   3: dev = CUDA1
llama_dsv4_comp_state:      CUDA1 DSV4 csa state buffer size =     0.06 MiB
llama_dsv4_comp_state: csa ratio = 4, state = 8 x 1024, streams = 1, rs_seq = 0, layers = 1, size =    0.06 MiB
sched_reserve:      CUDA0 compute buffer size =   304.00 MiB
sched_reserve:      CUDA1 compute buffer size =   250.50 MiB
sched_reserve:  CUDA_Host compute buffer size =    24.01 MiB
""".strip().splitlines()


def test_several_devices_in_the_log() -> None:
    devices = [
        EngineDevice(name, "", kind, 0, 0) for name, kind in (("CUDA0", "gpu"), ("CUDA1", "gpu"), ("CPU", "cpu"))
    ]
    first, second, host = allocations(LOG, devices)
    assert first == Allocation("CUDA0", "gpu", 64 * MIB, 304 * MIB)
    assert (second.device, second.kv) == ("CUDA1", 32 * MIB + round(0.06 * MIB))
    assert host == Allocation("CPU", "cpu", 32 * MIB, round(24.01 * MIB))


def test_errors_are_ours(dry: NativeDryRun, tmp_path: Path) -> None:
    with pytest.raises(BackendError) as refused:
        ask(dry, tmp_path)
    assert refused.value.message.zh
