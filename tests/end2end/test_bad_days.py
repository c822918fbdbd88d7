"""What goes wrong on a bad day, and that the next start says so, is careful, and has lost nothing."""

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from backends.chat.store import MIGRATIONS
from backends.storage.database import Database
from backends.storage.migrations import Migration
from tests.end2end.person import CLEAN, Home, Window
from tests.end2end.shelf import BRIEF, COUNT, SAID_BRIEFLY, Made
from tests.kit.damages import key, written
from tests.kit.folders import closed
from tests.kit.headers import Kind

ASKED = f"Please {COUNT} on"


@pytest.fixture
def lived_in(home: Home, made: Made) -> Home:
    """A home with a model, which the app loads when it starts."""
    home.paths.make()
    os.link(made["qwen2"], home.paths.models / "counts.gguf")
    return home


def is_loaded(home: Home) -> bool:
    (model,) = home.shell.run("models", "--json").json["models"]
    return model["loaded"]


def is_ready(window: Window) -> str:
    return window.sees("Ask anything", "What can I do for you?")


# ---- processes that end


def test_killed_while_loading(lived_in: Home) -> None:
    with lived_in.start(dies="load") as window:
        assert window.ends().code != 0
    with lived_in.start() as window:
        window.sees("ended unexpectedly last time, while it loaded counts.", "no model was loaded by itself")
        is_ready(window)
        assert not is_loaded(lived_in)
        window.presses("Load on the processor")
        window.clicks_into("Your question")
        window.asks(f"Say {BRIEF}")
        window.sees(SAID_BRIEFLY)
        assert is_loaded(lived_in)
        assert window.is_closed() == CLEAN
    with lived_in.start() as window:
        assert "ended unexpectedly" not in window.sees(SAID_BRIEFLY)  # the chat of last time
        assert window.is_closed() == CLEAN


def test_aborted_by_the_engine_while_answering(lived_in: Home) -> None:
    with lived_in.start(dies="generate", how="abort") as window:
        is_ready(window)
        window.asks(ASKED)
        assert window.ends().code != 0
    with lived_in.start() as window:
        window.sees("ended unexpectedly last time, while counts answered.", "no model was loaded by itself")
        report = (lived_in.paths.state / "last-crash.txt").read_text()
        assert "during: generate" in report
        assert "Fatal Python error: Aborted" in report
        assert "in begin" in report  # where it was
        assert not is_loaded(lived_in)
        window.chooses(ASKED)
        window.sees("ended while this answer was being written", "Try again")
        assert window.is_closed() == CLEAN


def test_killed_while_an_answer_streams(lived_in: Home) -> None:
    with lived_in.start() as window:
        is_ready(window)
        window.asks(ASKED)
        window.sees("n0 n1 n2")
        kept = window.until(lambda: counted(saved(lived_in)))  # what is older than a second is on the disk
        window.is_killed()
    with lived_in.start() as window:
        window.sees("ended unexpectedly last time", "Nothing that was saved is lost")
        window.chooses(ASKED)
        page = window.sees("n0 n1 n2", "ended while this answer was being written", "What had arrived was kept")
        assert counted(page) >= kept
        assert not is_loaded(lived_in)
        window.presses("Try again")  # the person may: it loads, and counts anew
        window.sees_no_more("What had arrived was kept")
        window.sees("n0 n1 n2")
        window.presses("Stop the answer")
        window.sees("Stopped")
        assert window.is_closed() == CLEAN


def saved(home: Home) -> str:
    """All that the answers say, so far."""
    with closing(sqlite3.connect(home.paths.data / "chats.db")) as database:
        texts = database.execute("SELECT content FROM messages WHERE role = 'assistant'")
        return " ".join(text for (text,) in texts)


def counted(page: str) -> int:
    return len(re.findall(r"\bn\d+", page))


# ---- files that are damaged


def test_a_damaged_database(lived_in: Home) -> None:
    database = lived_in.paths.data / "chats.db"
    with lived_in.start() as window:
        is_ready(window)
        window.asks(f"Say {BRIEF}")
        window.sees(SAID_BRIEFLY)
        assert window.is_closed() == CLEAN
    whole = database.read_bytes()
    database.write_bytes(whole[:2000] + os.urandom(len(whole) - 2000))
    with lived_in.start() as window:
        page = window.sees("chats.db was damaged", "The damaged file is kept as")
        (kept,) = lived_in.paths.data.glob("chats.db.corrupt-*")
        assert str(kept) in page
        window.clicks_into("Your question")
        window.asks(f"Say it {BRIEF} again")
        window.sees(SAID_BRIEFLY)
        assert window.is_closed() == CLEAN


def test_a_database_of_a_newer_version(home: Home) -> None:
    home.paths.make()
    database = home.paths.data / "chats.db"
    future = Migration(len(MIGRATIONS) + 1, "future", lambda c: c.execute("CREATE TABLE future (x)"))
    Database(database, [*MIGRATIONS, future]).close()
    before = database.read_bytes()
    with home.start() as window:
        window.sees("chats.db was made by a newer DeskSeek", "Install the newest DeskSeek. Nothing was changed.")
        window.presses("Try again")
        window.sees("made by a newer DeskSeek")
        assert database.read_bytes() == before
        database.rename(database.with_name("kept.db"))
        window.presses("Try again")
        window.sees("Welcome to DeskSeek")
        assert window.is_closed() == CLEAN


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"general": {"language": "zh"}, "models": {"context": "many"}}', "文件中的值无效，已改用默认值"),
        ("{", "The settings could not be read; the usual ones are used. The old file is kept as"),
    ],
    ids=["one value", "all of it"],
)
def test_broken_settings(home: Home, text: str, said: str) -> None:
    home.paths.make()
    (home.paths.config / "settings.json").write_text(text)
    with home.start() as window:
        window.sees(said, re.compile("Welcome to DeskSeek|欢迎使用 DeskSeek"))
        assert window.is_closed() == CLEAN


def test_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with closed(tmp_path) as folder, Home(folder / "home").start() as window:
        window.sees("cannot be", str(folder))
        window.presses("OK")
        ending = window.ends()
        assert (ending.code, ending.complaints, ending.windows) == (1, [], ["QMessageBox"])


# ---- files that are no good


BAD = {
    "no blocks": (key("block_count", 0), "is damaged", "文件已损坏"),
    "100,000 blocks": (key("block_count", 100_000), "is damaged", "文件已损坏"),
    "cut off": (lambda draft: draft.bytes()[:-5000], "is cut off", "不完整"),
    "of the future": (key("general.architecture", "deepseek41", Kind.STRING), "deepseek41", "deepseek41"),
    "a web page": (lambda draft: b"<!DOCTYPE html><html>Sign in</html>", "is not a GGUF", "不是 GGUF"),
}


@pytest.fixture
def bad(tmp_path: Path, small: Path) -> dict[str, Path]:
    return {name: written(tmp_path / f"{number}.gguf", small, bad[0]) for number, (name, bad) in enumerate(BAD.items())}


def test_hostile_files_dropped_on_the_window(home: Home, bad: dict[str, Path], small: Path) -> None:
    with home.start() as window:
        window.sees("Welcome to DeskSeek")
        for name, (_, said, _) in BAD.items():
            window.drops(bad[name])
            window.sees(said)
            window.presses("Close this notice")
            window.sees_no_more(said)
        window.drops(small)
        window.sees("My own", "Unload")
        assert window.is_closed() == CLEAN


def test_hostile_files_picked_in_chinese(home: Home, bad: dict[str, Path], small: Path) -> None:
    home = Home(home.folder, environment={"LANG": "zh_CN.UTF-8"})
    with home.start() as window:
        window.sees("欢迎使用 DeskSeek")
        for name, (_, _, said) in BAD.items():
            picks(window, bad[name])
            window.sees(said)
        picks(window, small)
        window.sees("有什么可以帮您")
        window.clicks_into("您的问题")
        window.asks("你好吗？")
        window.sees("All is well.", "发送")
        ending = window.is_closed()
        assert (ending.code, ending.complaints, ending.threads) == (0, [], [])


def picks(window: Window, path: Path) -> None:
    window.presses("我有模型文件…")
    window.strikes("Down")
    window.strikes("Return")
    window.types(str(path))
    window.strikes("Return")
