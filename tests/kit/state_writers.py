"""Kill a process with kill -9 while it saves states, again and again, and look at what is left.

`python -m tests.kit.state_writers FOLDER N` is the process: it saves states for ever, and says each block on standard
output when it is written. After block N, if it ever comes to that, it waits for what never comes.
"""

import random
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import BinaryIO

from backends.core.cancel import CancelToken
from backends.engine import state_file
from backends.engine.state_file import BLOCK, Head
from backends.engine.states import StateStore

TOKENS = bytes(range(200))
DATA = random.Random(1).randbytes(3 * BLOCK + 100)
BLOCKS = 4  # of DATA


def kill_savers(folder: Path, loops: int, seed: int = 1) -> int:
    """Kill `loops` savers, every other one in the middle of a state; after each, what is called a state is whole.
    Gives how many files were left unfinished."""
    chance, unfinished = random.Random(seed), 0
    for loop in range(loops):
        blocks = BLOCKS * chance.randint(1, 3) + (chance.randint(1, BLOCKS - 1) if loop % 2 else 0)
        saver = subprocess.Popen(
            [sys.executable, "-m", "tests.kit.state_writers", str(folder), str(blocks if loop % 2 else 10**9)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert saver.stdout
        assert saver.stdin
        for _ in range(blocks):
            saver.stdout.readline()
        saver.kill()
        saver.wait()
        saver.stdout.close()
        saver.stdin.close()
        for path in folder.iterdir():
            if path.suffix == ".state":
                assert bytes(state_file.read_data(path, state_file.read_head(path), CancelToken())) == DATA
        unfinished += sum(path.suffix != ".state" for path in folder.iterdir())
    return unfinished


def save_for_ever(folder: Path, stop_after: int) -> None:
    write, numbers = state_file.write, count(1)

    def told(file: BinaryIO, head: Head, data: memoryview) -> Iterator[int]:
        for done in write(file, head, data):
            print("block", flush=True)
            if next(numbers) == stop_after:
                sys.stdin.read()
            yield done

    state_file.write = told
    store = StateStore(folder, 1 << 30)
    store.open()
    while store.save(Head("some model", TOKENS, frozenset(), len(DATA)), lambda: bytearray(DATA)):
        store.wait(600)


if __name__ == "__main__":
    save_for_ever(Path(sys.argv[1]), int(sys.argv[2]))
