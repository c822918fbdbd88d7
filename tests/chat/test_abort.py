"""llama.cpp ends the process while an answer streams: the text is there to the last second, and its words are."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backends.chat.store import MIGRATIONS, ChatStore
from backends.core.crashes import CrashJournal
from backends.storage.database import Database
from tests.kit.ggufs import scripted_model

ROOT = Path(__file__).resolve().parents[2]
SAVED_AFTER = 1.0  # seconds


@pytest.mark.skipif(sys.platform == "win32", reason="SIGABRT")
def test_what_was_said_before_an_abort_is_there_and_the_next_start_knows_why(tmp_path: Path) -> None:
    words = " ".join(f"n{number}" for number in range(60))
    model = scripted_model(tmp_path / "slow.gguf", "I think and think. " + words[:100], words, endless=True, slow=150)
    child = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "aborting_child.py"), str(tmp_path), str(model), "2.5"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
    )
    ended = time.monotonic()
    assert child.returncode == -signal.SIGABRT, child.stderr
    lines = [line.split() for line in child.stdout.splitlines()]
    assert ended > float(lines[-1][0])

    last = CrashJournal(tmp_path).start()
    assert (last.crashed, last.during, last.detail, last.safe) == (True, "generate", "slow", True)
    assert "CUDA error: out of memory in alloc" in last.trace
    report = (tmp_path / "last-crash.txt").read_text()
    assert "during: generate" in report
    assert "ggml-cuda.cu:91" in report

    database = Database(tmp_path / "chats.db", MIGRATIONS)
    store = ChatStore(database)
    (conversation,) = store.conversations()
    _, reply = store.messages(conversation.id)
    assert (reply.status, reply.problem.code if reply.problem else "") == ("stopped", "interrupted")
    due = [int(length) for when, length in lines if float(when) < float(lines[-2][0]) - SAVED_AFTER]
    assert len(reply.reasoning) + len(reply.content) >= due[-1] > 0
    database.close()
    assert not CrashJournal(tmp_path).start().during  # it is said once
