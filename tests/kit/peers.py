"""llama.cpp's own programs, which our figures stand beside: where they are, whether they are built alike, one run.

They are built from the source archive of the same llama-cpp-python, outside of the checkout, with the flags of the
wheel that is installed (`GGML_NATIVE` where that was built on this machine):

    pip download --no-deps --no-binary :all: --no-build-isolation llama-cpp-python==0.3.36
    tar xf llama_cpp_python-0.3.36.tar.gz
    cmake -S llama_cpp_python-0.3.36/vendor/llama.cpp -B llama.cpp -DCMAKE_BUILD_TYPE=Release \
        -DLLAMA_CURL=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_BUILD_TESTS=OFF
    cmake --build llama.cpp --target llama-server llama-bench -j 2

On Linux they are started so that they compute with the libraries of the wheel (`same_build`): then nothing differs but
the program. Then `--llama-server llama.cpp/bin/llama-server --llama-bench llama.cpp/bin/llama-bench`, or LLAMA_SERVER
and LLAMA_BENCH.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from backends.engine import native
from backends.engine.loading import threads
from backends.hardware import cpu
from backends.models import gguf
from backends.models.footprint import place, repacked
from tests.kit.ggufs import BENCH_SHAPE, Quant, random_model
from tests.kit.quiet import foreign_seconds
from tests.kit.real_models import REAL
from tests.kit.shapes import shaped_model

ROOT = Path(__file__).resolve().parents[2]
STARTING = 120  # seconds
QUIET = 0.15  # of a core that others may take


def options(
    story: str, name: str, arguments: Sequence[str], *programs: str, more: Callable[[argparse.ArgumentParser], None]
) -> argparse.Namespace:
    """What all these benchmarks are told: the programs, a model (or one that is made), threads, rounds."""
    parser = argparse.ArgumentParser(prog=f"tests.bench {name}", description=story.splitlines()[0])
    for program in programs:
        variable = program.upper().replace("-", "_")
        parser.add_argument(f"--{program}", type=Path, default=os.environ.get(variable))
    parser.add_argument("--model", type=Path, help="default: random weights in the shape of a 1.5B Q4_K_M, made anew")
    parser.add_argument("--small", action="store_true", help="random weights of 153M parameters in Q8_0")
    parser.add_argument("--threads", type=int, default=threads())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one round of little, to see that it works")
    parser.add_argument("--patience", type=float, default=60, help="seconds in all to wait for other programs")
    more(parser)
    given = parser.parse_args(arguments)
    for program in programs:
        path = getattr(given, program.replace("-", "_"))
        if path is None or not Path(path).is_file():
            print(f"Where is {program}? --{program} PATH, or {program.upper().replace('-', '_')}.\n\n{__doc__}")
            raise SystemExit(2)
        setattr(given, program.replace("-", "_"), Path(path).resolve())
    if given.quick:
        given.rounds, given.patience = 1, 0
    return given


@contextmanager
def model_of(given: argparse.Namespace) -> Iterator[Path]:
    """The model that was named, or one that is made and goes again."""
    if given.model is not None:
        yield given.model.resolve()
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("random-153M-Q8_0.gguf" if given.small else "random-1.5B-Q4_K_M.gguf")
        if given.small:
            yield random_model(path, shape=BENCH_SHAPE, quant=Quant.Q8_0)
        else:
            yield shaped_model(path, REAL["r1-distill-qwen-1.5b"], weights="noise")


def vocabulary(model: Path) -> int:
    return gguf.check(model).shape.vocabulary


def mapped(model: Path) -> bool:
    """Whether the planner would have its weights used as they lie in the file, on this processor."""
    header = gguf.check(model)
    return not repacked(header, place(header.shape.layers, 0, 0, ()), cpu.read().instruction_sets)


# ---- fairness


def say_flags(program: Path) -> None:
    """What both computed with; a warning where that differs: then the figures say nothing."""
    ours = _flags(native.info().system)
    told = subprocess.run(
        [program.with_name("llama-server"), "-m", os.devnull, "-lv", "4", "--port", str(free_port())],
        capture_output=True,
        text=True,
        check=False,
        env=same_build(),
    )
    line = next((line for line in (told.stdout + told.stderr).splitlines() if "system_info" in line), "")
    theirs = _flags(line.partition(" | ")[2])
    if not theirs:
        print(f"(what {program.name} was built with is not known: no llama-server beside it)")
    elif ours == theirs:
        print("both: " + " ".join(sorted(ours)))
    else:
        print(f"NOT BUILT ALIKE: only ours {sorted(ours - theirs)}, only the peer {sorted(theirs - ours)}")


def _flags(line: str) -> frozenset[str]:
    return frozenset(part.split(":")[-1].split("=")[0].strip() for part in line.split("|") if "= 1" in part)


# ---- the programs


def same_build() -> dict[str, str]:
    """The environment in which a program of llama.cpp computes with the very libraries of our wheel (Linux only: there
    they go before its own ones, whose names are the same)."""
    folder = Path(native.library().llama.__file__).resolve().parent / "lib"
    return {**os.environ, "LD_LIBRARY_PATH": str(folder)}


def llama_bench(
    program: Path, model: Path, *, threads: int, prompt: int = 0, generate: int = 0, gpu_layers: int = 0
) -> dict[str, float]:
    """Tokens a second, "prefill" and "decode" of those that were asked for. It warms up by itself."""
    command = [program, "-m", model, "-t", threads, "-p", prompt, "-n", generate, "-r", 1, "-o", "json"]
    command += ["-ngl", 99 if gpu_layers < 0 else gpu_layers]
    told = subprocess.run([str(part) for part in command], capture_output=True, check=True, env=same_build()).stdout
    return {"prefill" if one["n_prompt"] else "decode": one["avg_ts"] for one in json.loads(told)}


@dataclass
class Running:
    """A server of either side."""

    name: str
    port: int
    process: "subprocess.Popen[str]"
    told: list[str] = field(default_factory=list)

    @property
    def processor(self) -> float:
        """Seconds of processor that it took so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system


@contextmanager
def llama_server(
    program: Path, model: Path, *, threads: int, context: int, parallel: int, more: Sequence[str] = ()
) -> Iterator[Running]:
    port = free_port()
    command = [program, "-m", model, "-t", threads, "-c", context, "-np", parallel, "-kvu", "-ngl", 0]
    command += ["--host", "127.0.0.1", "--port", port, "--no-ui", *more]
    with _running("llama-server", command, port, "listening on", same_build()) as server:
        yield server


@contextmanager
def our_server(
    model: Path, *, threads: int, context: int, parallel: int, states: Path | None = None, lookup: bool = False
) -> Iterator[Running]:
    """The engine behind the door of tests/kit/door.py, in a process of its own."""
    port = free_port()
    asked: dict[str, object] = {"context": context, "parallel": parallel, "threads": threads, "lookup": lookup}
    asked["mapped"] = mapped(model)
    if states is not None:
        asked["states"] = str(states)
    command = [sys.executable, "-m", "tests.kit.door", model, port, json.dumps(asked)]
    with _running("ours", command, port, "listening on") as server:
        yield server


@contextmanager
def _running(
    name: str, command: Sequence[Any], port: int, ready: str, environment: dict[str, str] | None = None
) -> Iterator[Running]:
    with subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd=ROOT,
        env=environment,
    ) as process:
        server, listening = Running(name, port, process), threading.Event()

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                server.told.append(line)
                if ready in line:
                    listening.set()
            listening.set()

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            if not listening.wait(STARTING) or process.poll() is not None:
                raise SystemExit(f"{name} does not start:\n{''.join(server.told[-20:])}")
            yield server
        finally:
            process.terminate()
            process.wait(30)
            reader.join()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


# ---- rounds and figures


class Patience:
    """So many seconds in all are waited until other programs leave the machine alone."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    def wait(self) -> None:
        while self._left > 0:
            before = foreign_seconds()
            time.sleep(0.5)
            self._left -= 0.5
            if foreign_seconds() - before < 0.5 * QUIET:
                return


@dataclass
class Figures:
    """The runs of each side, one figure a round. `more`: more is better."""

    name: str
    unit: str
    wanted: float | None  # ours to the peer's; None: shown only
    peer: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    more: bool = True
    digits: int = 1

    @property
    def ratio(self) -> float:
        return statistics.median(self.ours) / statistics.median(self.peer) if self.peer and self.ours else 0.0

    def show(self, peer: str) -> bool:
        """A line with medians, ratio and all runs; whether it is as wanted."""
        good = self.wanted is None or (self.ratio >= self.wanted if self.more else self.ratio <= self.wanted)
        sign = "at least" if self.more else "at most"
        wanted = "" if self.wanted is None else f", wanted {sign} {self.wanted}{'' if good else '  !'}"
        print(
            f"{self.name}: ours {self._said(self.ours)}, {peer} {self._said(self.peer)} {self.unit}; "
            f"ratio {self.ratio:.3f}{wanted}",
            flush=True,
        )
        return good

    def _said(self, values: Sequence[float]) -> str:
        runs = " ".join(f"{value:.{self.digits}f}" for value in values)
        return f"{statistics.median(values):.{self.digits}f} ({runs})" if values else "–"


def paired(
    name: str, peer: str, mine: Callable[[], float], theirs: Callable[[], float], count: int, wanted: float
) -> bool:
    """Both sides by short turns, so that the machine changes little within a pair; more is better. Shows the median
    of the ratios, and says whether it is as wanted."""
    mine()
    theirs()
    ratios: list[float] = []
    for number in range(count):
        if number % 2 == 0:
            first = mine()
            ratios.append(first / theirs())
        else:
            first = theirs()
            ratios.append(mine() / first)
    low, median, high = statistics.quantiles(ratios, n=4)
    good = median >= wanted
    print(
        f"{name}, {count} pairs with {peer}: median ratio {median:.3f} (quartiles {low:.3f}, {high:.3f}), "
        f"wanted at least {wanted}{'' if good else '  !'}",
        flush=True,
    )
    return good
