"""kill -9 while an answer streams: the conversation is there, and at most about a second of it is lost (REL-01).

`DESKSEEK_SOAK=50` kills fifty times.
"""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from backends.chat.store import MIGRATIONS, ChatStore
from backends.storage.database import Database
from tests.kit.ggufs import scripted_model

ROOT = Path(__file__).resolve().parents[2]
LOOPS = int(os.environ.get("DESKSEEK_SOAK", "5"))
SAVED_AFTER = 1.0  # seconds


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "slow.gguf"
    words = " ".join(f"n{number}" for number in range(60))
    return scripted_model(path, "I think and think. " + words[:100], words, endless=True, slow=150)


@pytest.mark.parametrize("loop", range(LOOPS))
def test_what_was_said_a_second_before_a_kill_is_there(tmp_path: Path, model: Path, loop: int) -> None:
    path = tmp_path / "chats.db"
    kill_after = (0.0, 0.4, 1.1, 2.0, 2.6)[loop % 5] + loop // 5 * 0.013  # seconds of streaming
    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "streaming_child.py"), str(path), str(model)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    with child.stdout:
        first = child.stdout.readline().split()
        lines: list[list[str]] = []
        while kill_after and (len(lines) < 2 or float(lines[-2][0]) - float(lines[0][0]) < kill_after):
            lines.append(child.stdout.readline().split())
        child.kill()
        child.wait()
    assert first[0] == "started"

    with sqlite3.connect(path) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()
    database = Database(path, MIGRATIONS)
    store = ChatStore(database)
    (conversation,) = store.conversations()
    question, reply = store.messages(conversation.id)
    assert question.content == "go"
    assert reply.id == int(first[1])
    assert reply.status == "stopped"
    assert reply.problem is not None
    assert reply.problem.code == "interrupted"
    saved = len(reply.reasoning) + len(reply.content)
    went_on = float(lines[-2][0]) if lines else 0.0  # the last time that the child is known to have looked at the clock
    due = [int(length) for when, length in lines if float(when) < went_on - SAVED_AFTER]
    assert saved >= max(due, default=0)
    assert due or kill_after < SAVED_AFTER
    database.close()
