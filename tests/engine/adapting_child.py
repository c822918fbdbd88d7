"""`python -m tests.engine.adapting_child MODEL ADAPTER TIMES`: an adapter comes and goes; prints how many bytes stayed.

In a process of its own, since what other tests left in the heap comes and goes by tens of megabytes.
"""

import sys
from pathlib import Path

import psutil

from backends.core.heap import give_back
from backends.engine.loader import NativeEngine
from backends.engine.protocol import Adapter, LoadRequest


def main(model: Path, adapter: Path, times: int) -> None:
    engine = NativeEngine()
    list(engine.load(LoadRequest(model, 256, gpu_layers=0)))

    def resident_after(rounds: int) -> int:
        for _ in range(rounds):
            list(engine.set_adapters([Adapter(adapter)]))
            list(engine.set_adapters([]))
        give_back()
        return psutil.Process().memory_info().rss

    before = resident_after(2)
    print(resident_after(times) - before)
    engine.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
