"""Kill -9 again and again, and files torn at random: what the tests do a few times, done for long.

    python -m tests.bench soak [--loops 50] [--mutations 5000] [--only writers answers downloads windows headers]

Each part prints how often it was done and what was lost; wanted is nothing (of an answer: its last second).
"""

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from tests.bench import headers
from tests.end2end.person import Home
from tests.kit.faults import paused
from tests.kit.ggufs import scripted_model
from tests.kit.hub import HubServer
from tests.kit.kills import kill_writers
from tests.kit.shell import ROOT, Shell

REPO = "soak/Made-GGUF"
Part = Callable[[Path, argparse.Namespace], str]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--loops", type=int, default=50)
    parser.add_argument("--mutations", type=int, default=5000)
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
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/chat/test_kill.py"],
        cwd=ROOT,
        env={**os.environ, "DESKSEEK_SOAK": str(options.loops)},
        capture_output=True,
        text=True,
    )
    if told.returncode != 0:
        raise SystemExit(told.stdout)
    return f"{options.loops} answers killed while they streamed: {told.stdout.strip().splitlines()[-1]}"


def downloads(folder: Path, options: argparse.Namespace) -> str:
    """`deskseek pull`, killed when a random part of what was missing has been sent; the next one goes on from what is
    on the disk, until nothing is missing."""
    chance = random.Random(options.seed)
    model = scripted_model(folder / "made-Q4_K_M.gguf", slow=24)
    size, right = model.stat().st_size, sha256(model.read_bytes()).hexdigest()
    killed = models = 0
    with HubServer() as hub:
        hub.add_repo(REPO, {model.name: model})
        running: list[subprocess.Popen[bytes]] = []
        hub.when_paused(lambda: running[-1].kill())
        while killed < options.loops:
            shell = Shell(folder / f"home{models}")
            pull = ("pull", "--endpoint", hub.endpoint, REPO)
            arrived = 0
            for _ in range(chance.randint(1, 8)):
                hub.fail("cdn", paused(chance.randrange(1, size - arrived)), times=1)
                running.append(shell.start(*pull))
                running[-1].communicate()
                hub.heal()
                killed += 1
                assert hub.ranges(model.name)[-1][0] == arrived
                arrived = sum(path.stat().st_size for path in shell.home.rglob("*.part"))
            outcome = shell.run(*pull)
            assert outcome.code == 0, outcome.err
            assert hub.ranges(model.name)[-1] == (arrived, size)
            (whole,) = shell.home.rglob("*.gguf")
            assert sha256(whole.read_bytes()).hexdigest() == right
            models += 1
        sent = sum(end - begin for begin, end in hub.ranges(model.name))
    lost = (sent - models * size) / killed / (1 << 20)
    return (
        f"{killed} downloads killed, {models} models whole; lost on the way {lost:.1f} MiB a kill, of the disk's none"
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


PARTS: dict[str, Part] = {
    "writers": writers,
    "answers": answers,
    "downloads": downloads,
    "windows": windows,
    "headers": torn_headers,
}
