"""Kill -9 again and again, files torn and requests mixed at random: what the tests do a few times, done for long.

    python -m tests.bench soak [--loops 50] [--mutations 5000] [--size 512]
        [--only writers answers downloads windows headers mixed intakes documents api texts] [--requests 10000]
        [--bodies 2000] [--texts 2000]

Each part prints how often it was done and what was lost; wanted is nothing (of an answer: its last second).
"""

import argparse
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench import headers
from tests.end2end.person import Home
from tests.kit.ggufs import scripted_model
from tests.kit.hub import HubServer
from tests.kit.killed_intakes import kill_intakes
from tests.kit.kills import kill_writers
from tests.kit.pulls import kill_pulls
from tests.kit.shell import ROOT
from tests.kit.torn_documents import read_torn

REPO = "soak/Made-GGUF"
Part = Callable[[Path, argparse.Namespace], str]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--loops", type=int, default=50)
    parser.add_argument("--mutations", type=int, default=5000)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--bodies", type=int, default=2000, help="requests of any kind that the API gets")
    parser.add_argument("--texts", type=int, default=2000, help="random texts that are shown as answers")
    parser.add_argument("--size", type=int, default=512, help="MiB of the file that is downloaded")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    options = parser.parse_args(arguments)
    for name in options.only:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            said = PARTS[name](Path(folder), options)
        print(f"{name:10} {said} ({time.monotonic() - began:.0f} s)", flush=True)
    return 0


def writers(folder: Path, options: argparse.Namespace) -> str:
    """Processes that write to a database."""
    turns = kill_writers(folder / "turns.db", options.loops, options.seed)
    return f"{options.loops} writers killed, {turns} acknowledged turns, none lost or torn"


def answers(folder: Path, options: argparse.Namespace) -> str:
    """Processes that answer, by the test that says how much of an answer may be lost."""
    return f"{options.loops} answers killed while they streamed: {_tested('tests/chat/test_kill.py', options.loops)}"


def api(_: Path, options: argparse.Namespace) -> str:
    """Any JSON, and what is none, to every route; answers with a form and calls that have to be made, each right."""
    seed = f"--hypothesis-seed={options.seed}"
    sent = _tested("tests/api/test_fuzz.py", options.bodies, seed)
    right = _tested("tests/api/test_forms.py", options.bodies // 10)
    return f"{options.bodies} requests of any kind: {sent}; {options.bodies // 10} answers of each form: {right}"


def texts(_: Path, options: argparse.Namespace) -> str:
    """Random Markdown, which is read at every moment while it streams, and shown."""
    told = _tested("tests/app/test_bad_text.py", options.texts, "-k", "streams")
    return f"{options.texts} random texts streamed, each beginning read as if it were the whole: {told}"


def _tested(path: str, count: int, *more: str) -> str:
    """The last line of a test that is done so often."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", path, *more]
    soak = {**os.environ, "DESKSEEK_SOAK": str(count)}
    told = subprocess.run(command, cwd=ROOT, env=soak, capture_output=True, text=True, check=False)
    if told.returncode != 0:
        raise SystemExit(told.stdout)
    return told.stdout.strip().splitlines()[-1]


def downloads(folder: Path, options: argparse.Namespace) -> str:
    """Downloads over four connections, killed with 9 after a random part of what was missing; the next one goes on
    from what is on the disk. Wanted: a kill makes less than 1 % of the file come again."""
    model = scripted_model(folder / "made-Q4_K_M.gguf", slow=options.size)
    size = model.stat().st_size
    with HubServer() as hub:
        hub.add_repo(REPO, {model.name: model})
        lost = list(kill_pulls(hub.endpoint, REPO, size, folder, options.loops, random.Random(options.seed)))
    shares = sorted(one.share for one in lost)
    if shares[-1] >= 0.01:
        raise SystemExit(f"a kill made {shares[-1]:.2%} of the file come again")
    return (
        f"{len(lost)} downloads of {size >> 20} MiB killed, the last one whole and verified; fetched again after a "
        f"kill: {statistics.median(shares):.3%} of the file (median), {shares[-1]:.3%} (most), "
        f"{sum(shares):.2%} (all kills)"
    )


def windows(folder: Path, options: argparse.Namespace) -> str:
    """The real window, killed while it starts, loads, or answers; the next one has every question."""
    chance = random.Random(options.seed)
    home = Home(folder / "home")
    home.paths.make()
    words = " ".join(f"n{number}" for number in range(60))
    scripted_model(home.paths.models / "endless.gguf", "", words, endless=True, slow=24)
    asked: list[str] = []
    slowest = 0.0
    for number in range(options.loops // 5):
        began = time.monotonic()
        with home.start() as window:
            window.sees("Ask anything", *asked[-5:])
            slowest = max(slowest, time.monotonic() - began)
            if chance.random() < 0.8:
                window.clicks_into("Your question")
                window.asks(f"Question {number}")
                window.sees(re.compile(rf"n{chance.randrange(50)} n"))
                asked.append(f"Question {number}")
            window.is_killed()
    with home.start() as window:
        window.sees(*asked)
        assert window.is_closed().code == 0
    return (
        f"{options.loops // 5} windows killed, {len(asked)} questions kept; at most {slowest:.1f} s to the next window"
    )


def torn_headers(folder: Path, options: argparse.Namespace) -> str:
    """GGUFs with random damage: refused, or parsed and then refused or run by llama.cpp in a child process."""
    if not headers.damage(folder, options.mutations):
        raise SystemExit("a damaged file ended the process")
    return f"{options.mutations} torn files, none of which ended a process"


def mixed(_: Path, options: argparse.Namespace) -> str:
    """Requests of every sort at one engine, cancelled and impossible ones among them."""
    command = [sys.executable, "-m", "tests.kit.mixture", str(options.requests), str(options.seed)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if told.returncode != 0:
        raise SystemExit(told.stdout + told.stderr)
    return f"{options.requests} requests, each as if alone: {told.stdout.strip()}"


def intakes(folder: Path, options: argparse.Namespace) -> str:
    """Processes that take files in, which change between the kills."""
    stored = kill_intakes(folder, options.loops, options.seed)
    return f"{options.loops} intakes killed, {stored} documents said to be in, none lost or torn, the last one whole"


def documents(folder: Path, options: argparse.Namespace) -> str:
    """Files of every format with random damage, read in a child process: read, or refused with a reason."""
    place = folder / "torn"
    place.mkdir()
    found = read_torn(place, options.mutations, options.seed)
    reasons = ", ".join(f"{count} {code or 'read'}" for code, count in found.most_common())
    return f"{options.mutations} torn documents, none of which ended its reader by a mistake of ours: {reasons}"


PARTS: dict[str, Part] = {
    "writers": writers,
    "answers": answers,
    "downloads": downloads,
    "windows": windows,
    "headers": torn_headers,
    "mixed": mixed,
    "intakes": intakes,
    "documents": documents,
    "api": api,
    "texts": texts,
}
