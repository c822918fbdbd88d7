"""Memory of the whole process against llama-bench, same file, context and work: wanted at most 150 MiB more.

    python -m tests.bench memory --llama-bench PATH [--prompt 512] [--generate 64] [--quick]

The largest resident set of each process, as the system says when it has ended; ours is Python with the engine, which
reads the same prompt and decodes as many tokens in a context of the same size.
"""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from tests.kit import peers

MIB = 1 << 20
WANTED = 150 * MIB


def main(arguments: Sequence[str]) -> int:
    def more(parser: ArgumentParser) -> None:
        parser.add_argument("--prompt", type=int, default=512)
        parser.add_argument("--generate", type=int, default=64)

    given = peers.options(__doc__ or "", "memory", arguments, "llama-bench", more=more)
    prompt, generate, threads = given.prompt, given.generate, given.threads
    with peers.model_of(given) as model:
        bench = [given.llama_bench, "-m", model, "-t", threads, "-p", 0, "-n", 0, "-pg", f"{prompt},{generate}"]
        asked = {
            "threads": threads,
            "prompt": prompt,
            "generate": generate,
            "vocabulary": peers.vocabulary(model),
            "mapped": peers.mapped(model),
        }
        ours = [sys.executable, "-m", "tests.kit.asking", model, json.dumps(asked)]
        runs = [(_most([*bench, "-r", 1, "-ngl", 0]), _most(ours)) for _ in range(min(3, given.rounds))]
    more_than = sorted(own - peer for peer, own in runs)[len(runs) // 2]
    told = "; ".join(f"ours {own / MIB:.0f}, llama-bench {peer / MIB:.0f}" for peer, own in runs)
    good = more_than <= WANTED
    print(f"{told} MiB: {more_than / MIB:+.0f} MiB, wanted at most +{WANTED // MIB}{'' if good else '  !'}")
    return 0 if good else 1


def _most(command: Sequence[object]) -> int:
    """Bytes of the largest resident set of a process that comes to its end."""
    process = subprocess.Popen(
        [str(part) for part in command], cwd=peers.ROOT, stdout=subprocess.DEVNULL, env=peers.same_build()
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
