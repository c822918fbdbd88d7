"""Sampling at 1 Hz: share of a core that it takes, with no, one and eight played cards (limit 0.5 %).

    python -m tests.bench monitor --only sampling [--seconds 60] [--quick] [--glances PATH]

The peers run at the same time: a plain loop over psutil and NVML in one process, and `glances --stdout` if its program
is given (installed outside of the checkout: `pip install glances nvidia-ml-py`). NVIDIA's library is played by
tests/hardware/fake_nvml.c, whose answers cost nothing; a real driver's calls add to all of them alike.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[3]
LIMIT = 0.005
GIB = 1 << 30


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="tests.bench monitor --only sampling", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--glances", type=Path)
    given = parser.parse_args(arguments)
    seconds = 15 if given.quick else given.seconds
    good = True
    with tempfile.TemporaryDirectory() as folder:
        library = _library(Path(folder))
        for cards in (0, 1, 8):
            shares = _run(Path(folder), library, cards, seconds, given.glances)
            ours, child = shares.pop("ours")
            good &= ours <= LIMIT
            peers = ", ".join(f"{name} {share:.2%} ({share / ours:.1f}x)" for name, (share, _) in shares.items())
            mark = "" if ours <= LIMIT else "  !"
            print(f"{cards} cards: {ours:.2%} of a core (limit {LIMIT:.1%}){mark}; {peers}; child {child >> 20} MiB")
    return 0 if good else 1


def _run(folder: Path, library: Path, cards: int, seconds: int, glances: Path | None) -> dict[str, tuple[float, int]]:
    """All contenders at once; of each the share of a core and the memory of its children."""
    root = folder / f"{cards} cards"
    root.mkdir()
    for name in ("proc", "sys"):
        (root / name).symlink_to(f"/{name}")
    (root / "dev").mkdir()
    if cards:
        (root / "dev/nvidiactl").touch()
    environment = {**os.environ, **_played(cards), "LD_LIBRARY_PATH": str(library)}
    loop = [sys.executable, "-m", "tests.bench.monitor.sampling_loop"]
    running = {
        name: subprocess.Popen(
            [*loop, name, str(seconds), str(root)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        for name in ("ours", "plain")
    }
    found: dict[str, tuple[float, int]] = {}
    if glances is not None:
        found["glances"] = _glances(glances, seconds, environment)
    for name, process in running.items():
        told, _ = process.communicate()
        if process.returncode:
            raise SystemExit(f"{name} ended with {process.returncode}")
        answer = json.loads(told)
        found[name] = answer["share"], answer["child"]
    return found


def _glances(program: Path, seconds: int, environment: dict[str, str]) -> tuple[float, int]:
    """From its fifth second on, when it has begun."""
    wanted = "cpu,percpu,mem,memswap,sensors,fs,gpu"
    command = [program, "--stdout", wanted, "--time", "1", "--disable-check-update"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        watched = psutil.Process(process.pid)
        try:
            process.wait(5)
            raise SystemExit(f"{program} ended with {process.returncode}")
        except subprocess.TimeoutExpired:
            before = watched.cpu_times()
        try:
            process.wait(max(1, seconds - 5))
        except subprocess.TimeoutExpired:
            after = watched.cpu_times()
            process.terminate()
            return (after.user + after.system - before.user - before.system) / max(1, seconds - 5), 0
        raise SystemExit(f"{program} ended with {process.returncode}")


def _library(folder: Path) -> Path:
    built = folder / "library"
    built.mkdir()
    source = ROOT / "tests/hardware/fake_nvml.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-w", "-o", built / "libnvidia-ml.so.1", source], check=True)
    return built


def _played(cards: int) -> dict[str, str]:
    card = {
        "NAME": "NVIDIA GeForce RTX 4090",
        "MEMORY": f"{24 * GIB} {20 * GIB}",
        "USE": "97 33",
        "POWER": 312_500,
        "POWER_LIMIT": 450_000,
        "TEMPERATURE": 71,
        "LIMIT_3": 83,
        "CLOCK_0": 1800,
        "CLOCK_MAX": 2520,
        "CLOCK_2": 10501,
        "FAN": 44,
        "THROTTLES": 4,
        "PCIE": "4 16",
        "PCIE_MAX": "4 16",
        "BYTES": "1 1",
        "HOLD": f"77 {GIB}",
        "DRAW": f"78 {GIB}",
    }
    told = {f"NVML_{n}_{field}": str(value) for n in range(cards) for field, value in card.items()}
    places = {f"NVML_{n}_PCI": f"00000000:{n + 1:02x}:00.0" for n in range(cards)}
    return {"NVML_COUNT": str(cards), **told, **places, "NVML_PROGRAM_77": "blender", "NVML_PROGRAM_78": "desktop"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
