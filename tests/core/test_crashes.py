"""What the last run came to, with processes that really abort and are really killed (REL-05)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from backends.core.crashes import WINDOW, CrashJournal
from backends.core.errors import StorageError

BEGIN = """
import faulthandler, json, os, pathlib, sys, time
from dataclasses import asdict
from backends.core.crashes import CrashJournal
folder = pathlib.Path(sys.argv[1])
journal = CrashJournal(folder, good_after=float(sys.argv[2]))
print(json.dumps(asdict(journal.start())), flush=True)

def until_good():
    while not json.loads((folder / "running.json").read_bytes())["good"]:
        time.sleep(0.001)
"""
ABORT_IN_LOAD = 'journal.begin("load", "R1-8B-Q4_K_M.gguf")\nos.abort()'
ABORT = "os.abort()"
FINISH = "journal.finish()"
KILLED = "sys.stdin.read()"


def run(folder: Path, code: str, *, good_after: float = 3600) -> dict:
    """Run a process that starts the journal and does `code`; gives what the journal told it."""
    child = subprocess.Popen(
        [sys.executable, "-c", BEGIN + code, str(folder), str(good_after)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout
    told = json.loads(child.stdout.readline())
    if code.endswith(KILLED):
        child.stdout.readline()
        child.kill()
    _, errors = child.communicate(timeout=60)
    if "abort" not in code and not code.endswith(KILLED):
        assert child.returncode == 0, errors.decode()
    return told


def set_clock_back(folder: Path, seconds: float) -> None:
    """As if everything so far had happened so much earlier."""
    for file in folder.iterdir():
        time = file.stat().st_mtime - seconds
        os.utime(file, (time, time))
    history = folder / "crashes.json"
    if history.exists():
        times = json.loads(history.read_bytes())["times"]
        history.write_text(json.dumps({"times": [time - seconds for time in times]}))


def test_the_first_start_and_those_after_a_good_end_have_nothing_to_tell(tmp_path: Path) -> None:
    for _ in range(2):
        told = run(tmp_path, FINISH)
        assert told == {"crashed": False, "during": "", "detail": "", "trace": "", "safe": False}


def test_an_abort_while_loading_is_told_with_its_trace_and_makes_the_next_start_careful(tmp_path: Path) -> None:
    run(tmp_path, ABORT_IN_LOAD)
    told = run(tmp_path, FINISH)
    assert told["crashed"]
    assert told["safe"]
    assert (told["during"], told["detail"]) == ("load", "R1-8B-Q4_K_M.gguf")
    assert "Fatal Python error: Aborted" in told["trace"]
    assert "Current thread" in told["trace"]
    report = (tmp_path / "last-crash.txt").read_text()
    assert "R1-8B-Q4_K_M.gguf" in report
    assert "Aborted" in report
    if sys.platform != "win32":
        assert (tmp_path / "last-crash.txt").stat().st_mode & 0o777 == 0o600
    assert not run(tmp_path, FINISH)["safe"]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGSEGV to send oneself")
def test_a_fault_is_told_too(tmp_path: Path) -> None:
    run(tmp_path, "with journal.native('generate', ''): os.kill(os.getpid(), 11)  # abort")
    told = run(tmp_path, FINISH)
    assert told["during"] == "generate"
    assert "Segmentation fault" in told["trace"]


def test_the_last_words_of_ggml_are_kept(tmp_path: Path) -> None:
    run(tmp_path, "journal.abort_file.write_text('ggml.c:1: GGML_ASSERT(n > 0) failed')\nos.abort()")
    told = run(tmp_path, FINISH)
    assert told["trace"].startswith("ggml.c:1: GGML_ASSERT")
    assert told["safe"]
    assert run(tmp_path, FINISH)["trace"] == ""


def test_killed_while_loading_is_told_though_there_is_no_trace(tmp_path: Path) -> None:
    run(tmp_path, "journal.begin('load', 'big.gguf'); print(flush=True)\n" + KILLED)
    told = run(tmp_path, FINISH)
    assert (told["crashed"], told["safe"], told["during"], told["trace"]) == (True, True, "load", "")


def test_work_that_has_ended_or_failed_leaves_no_mark(tmp_path: Path) -> None:
    failing = (
        "journal.begin('load', 'a'); journal.end()\n"
        "try:\n    with journal.native('load', 'b'): raise ValueError\nexcept ValueError: pass\n"
    )
    run(tmp_path, failing + ABORT)
    told = run(tmp_path, FINISH)
    assert told["crashed"]
    assert told["during"] == ""
    assert not told["safe"]


def test_two_bad_starts_within_five_minutes_make_the_third_careful(tmp_path: Path) -> None:
    run(tmp_path, ABORT)
    assert not run(tmp_path, ABORT)["safe"]
    assert run(tmp_path, FINISH)["safe"]
    assert not run(tmp_path, ABORT)["safe"]
    assert not run(tmp_path, FINISH)["safe"]


def test_killed_twice_at_the_start_counts_as_well(tmp_path: Path) -> None:
    killed = "print(flush=True)\n" + KILLED
    run(tmp_path, killed)
    assert not run(tmp_path, killed)["safe"]
    assert run(tmp_path, FINISH)["safe"]


def test_two_bad_starts_far_apart_do_not(tmp_path: Path) -> None:
    run(tmp_path, ABORT)
    run(tmp_path, "print(flush=True)\n" + KILLED)
    set_clock_back(tmp_path, WINDOW + 60)
    assert run(tmp_path, ABORT)["safe"]  # those two were near each other
    told = run(tmp_path, FINISH)  # the third was not
    assert told["crashed"]
    assert not told["safe"]


def test_a_start_that_lasted_is_a_good_one(tmp_path: Path) -> None:
    run(tmp_path, ABORT)
    told = run(tmp_path, "until_good()\n" + ABORT, good_after=0)
    assert not told["safe"]
    told = run(tmp_path, ABORT)
    assert told["crashed"]
    assert not told["safe"]
    assert not run(tmp_path, FINISH)["safe"]


def test_a_crash_at_exit_is_not_counted(tmp_path: Path) -> None:
    at_exit = "journal.finish(); journal.finish(); journal.begin('unload', 'x'); os.abort()"
    for _ in range(3):
        told = run(tmp_path, at_exit)
        assert told == {"crashed": False, "during": "", "detail": "", "trace": "", "safe": False}


def test_damaged_files_of_the_journal_do_not_stop_a_start(tmp_path: Path) -> None:
    run(tmp_path, ABORT)
    for file in ("running.json", "native.json", "crashes.json", "abort.txt"):
        (tmp_path / file).write_bytes(b"\xff{[")
    told = run(tmp_path, FINISH)
    assert told["crashed"]
    assert told["safe"]
    assert not run(tmp_path, FINISH)["crashed"]


def test_a_long_trace_is_cut(tmp_path: Path) -> None:
    run(tmp_path, ABORT)
    (tmp_path / "trace.txt").write_text("x" * 1_000_000 + "the end")
    told = run(tmp_path, FINISH)
    assert len(told["trace"]) < 70_000
    assert told["trace"].endswith("the end")


def test_a_disk_that_refuses_does_not_keep_native_work_from_beginning(tmp_path: Path) -> None:
    code = (
        "(folder / 'native.json' / 'in the way').mkdir(parents=True)\n"
        "journal.begin('load', 'x'); journal.end(); journal.finish()"
    )
    run(tmp_path, code)
    assert not run(tmp_path, FINISH)["crashed"]


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    with pytest.raises(StorageError):
        CrashJournal(tmp_path / "state").start()
