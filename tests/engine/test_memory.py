"""Weights in main memory: locked where the system lets them be, spread over memory nodes where there are some."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.engine import memory
from backends.engine.native_log import Told
from backends.engine.placement import Placement
from backends.engine.protocol import EngineDevice, LoadedModel, LoadRequest
from backends.hardware import cpu

Load = Callable[..., LoadedModel]
ROOT = Path(__file__).resolve().parents[2]

LOCKED = """if True:
    import ctypes, json, re, resource, sys
    from pathlib import Path
    from backends.engine.loader import NativeEngine
    from backends.engine.protocol import LoadRequest

    def locked():
        return int(re.search(r"VmLck:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) << 10

    def load(**options):
        request = LoadRequest(Path(sys.argv[1]), 512, gpu_layers=0, lock_memory=True, **options)
        (*_, finished) = engine.load(request)
        said = [note.en for note in finished.model.notes]
        return [locked(), said]

    engine = NativeEngine()
    told = [load(), load(mapped=False)]
    engine.close()
    told.append([locked(), []])
    engine = NativeEngine()  # its thread may do what this one may when it starts it
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
    nothing = (ctypes.c_uint32 * 6)()  # no capability: root may lock what it likes
    assert ctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(0x20080522, 0), nothing) == 0
    told.append(load())
    engine.close()
    print(json.dumps(told))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts locked memory as Linux does")
def test_weights_are_locked_or_it_is_said_that_they_are_not(scripted: Path) -> None:
    child = [sys.executable, "-c", LOCKED, str(scripted)]
    done = subprocess.run(child, cwd=ROOT, capture_output=True, text=True, check=True)
    mapped, read, unloaded, refused = json.loads(done.stdout)
    for taken, said in (mapped, read):
        assert taken > 1_000_000
        assert said == []
    assert refused[0] <= unloaded[0]  # of so small a model the heap keeps a part for the next one
    (note,) = refused[1]
    assert "locked in memory" in note
    assert "ulimit" in note


def test_what_other_systems_say() -> None:
    request = LoadRequest(Path("m.gguf"), lock_memory=True)
    words = "warning: failed to VirtualLock 4096-byte buffer (after previously locking 0 bytes): Access is denied."
    (note,) = memory.locked(request, Told([(3, words)]))
    assert "锁定" in note.zh
    assert not list(memory.locked(request, Told([(2, "mlock is fine")])))
    assert not list(memory.locked(LoadRequest(Path("m.gguf")), Told([(3, words)])))


@pytest.mark.skipif(cpu.memory_nodes() > 1, reason="this machine has several memory nodes")
def test_one_memory_node_is_nothing_to_spread_over(load: Load, scripted: Path) -> None:
    (note,) = load(scripted, numa=True).notes
    assert "one memory node" in note.en


def test_cards_that_share_every_layer() -> None:
    """llama.cpp names them as one device."""
    cards = [EngineDevice(f"CUDA{n}", "a card", "gpu", 8 << 30, 8 << 30) for n in range(2)]
    found = Placement.read(["Meta(CUDA0,CUDA1)"] * 5, cards, 4)
    assert (found.label, found.on_gpu, found.offloaded) == ("CUDA0 + CUDA1", 4, 5)
    assert found.notes(-1, (3, 2)) == ()
    partly = Placement.read(["CPU", *["Meta(CUDA0,CUDA1)"] * 4], cards, 4)
    assert partly.label == "CUDA0 + CUDA1 + CPU (3 of 4 layers)"
