"""One process owns the data folder; the others speak to it. Real processes, really killed (REL-04)."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import StorageError, Unavailable
from backends.core.owner import CommandRequest, Output, Owner, claim, forward
from backends.core.paths import Paths
from tests.kit import owners

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals")


def start(paths: Paths, *mode: str) -> subprocess.Popen:
    """A process that tries to own the folder; `child.first` is the first line it printed."""
    command = [sys.executable, "-m", "tests.kit.owners", str(paths.data.parent), *mode]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def first_line(child: subprocess.Popen) -> str:
    assert child.stdout
    return child.stdout.readline().strip()


def ask(paths: Paths, *argv: str) -> tuple[int | None, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = forward(paths, CommandRequest(argv, "/there", "zh"), out, err)
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.under(tmp_path / "home")


@pytest.fixture
def owner(paths: Paths) -> Iterator[subprocess.Popen]:
    child = start(paths)
    assert first_line(child) == "owner"
    yield child
    child.kill()
    child.communicate()


@pytest.mark.usefixtures("owner")
def test_a_command_runs_over_there_as_if_it_ran_here(paths: Paths) -> None:
    assert ask(paths, "echo", "你好", "a b", "\udce4") == (0, "你好 a b \udce4\n", "in /there, zh\n")
    assert ask(paths, "exit", "7") == (7, "", "")
    assert ask(paths, "nonsense") == (2, "", "what?\n")
    assert ask(paths, "count", "5000") == (0, "".join(f"{n}\n" for n in range(5000)), "")


def test_it_runs_in_the_process_of_the_owner(paths: Paths, owner: subprocess.Popen) -> None:
    assert ask(paths, "pid") == (0, str(owner.pid), "")


@pytest.mark.usefixtures("owner")
def test_while_one_owns_no_other_can(paths: Paths) -> None:
    assert Owner.acquire(paths) is None
    second = start(paths)
    assert first_line(second) == "taken"
    second.communicate()


@pytest.mark.usefixtures("owner")
def test_a_bug_over_there_is_an_exit_code_here_and_the_owner_lives(paths: Paths) -> None:
    assert ask(paths, "bug") == (70, "", "")
    assert ask(paths, "exit", "0") == (0, "", "")


@pytest.mark.usefixtures("owner")
def test_pieces_arrive_as_they_are_printed_and_a_client_that_goes_cancels(paths: Paths, tmp_path: Path) -> None:
    class Leaving(io.StringIO):
        """A pipe whose reader has gone, as in `deskseek ask … | head`."""

        def write(self, text: str) -> int:
            raise BrokenPipeError(text)

    told = tmp_path / "told"
    request = CommandRequest(("wait", str(told)), "/", "en")
    with pytest.raises(BrokenPipeError, match="waiting"):
        forward(paths, request, Leaving(), io.StringIO())
    while not told.exists() or not told.read_text():
        assert ask(paths, "exit", "0")[0] == 0
    assert told.read_text() == "cancelled"


@pytest.mark.usefixtures("owner")
def test_several_clients_at_once(paths: Paths) -> None:
    answers: dict[int, tuple] = {}

    def client(number: int) -> None:
        answers[number] = ask(paths, "echo", str(number), *["x"] * 500)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [answers[number][1].split()[0] for number in range(12)] == [str(number) for number in range(12)]


@POSIX
@pytest.mark.usefixtures("owner")
def test_ctrl_c_cancels_over_there_and_gives_its_exit_code(paths: Paths, tmp_path: Path) -> None:
    told = tmp_path / "told"
    client = start(paths, "claim", "wait", str(told))
    assert first_line(client) == "waiting"
    client.send_signal(signal.SIGINT)
    client.communicate(timeout=60)
    assert client.returncode == 130
    assert told.read_text() == "cancelled"


@POSIX
@pytest.mark.usefixtures("owner")
def test_ctrl_c_loses_nothing_of_what_arrives(paths: Paths) -> None:
    """It may come in the middle of a message."""
    for _ in range(4):
        client = start(paths, "claim", "count", "20000")
        assert first_line(client) == "0"
        client.send_signal(signal.SIGINT)
        hung = threading.Timer(60, client.kill)
        hung.start()
        assert client.stdout
        assert client.stdout.read().split() == [str(number) for number in range(1, 20000)]
        client.communicate(timeout=60)
        hung.cancel()
        assert client.returncode == 0


@POSIX
@pytest.mark.usefixtures("owner")
def test_a_killed_client_cancels(paths: Paths, tmp_path: Path) -> None:
    told = tmp_path / "told"
    client = start(paths, "claim", "wait", str(told))
    assert first_line(client) == "waiting"
    client.kill()
    client.communicate()
    while not told.exists() or not told.read_text():
        assert ask(paths, "exit", "0")[0] == 0
    assert told.read_text() == "cancelled"


@POSIX
@pytest.mark.usefixtures("owner")
def test_an_owner_that_dies_in_the_middle_is_said_so(paths: Paths) -> None:
    out = io.StringIO()
    with pytest.raises(Unavailable) as failure:
        forward(paths, CommandRequest(("die",), "/", "en"), out, io.StringIO())
    assert failure.value.code == "owner_gone"
    assert out.getvalue() == "last words\n"


def test_after_kill_9_the_folder_is_free_and_nothing_lies_about(paths: Paths) -> None:
    socket_folders = []
    for _ in range(3):
        child = start(paths)
        assert first_line(child) == "owner"
        socket_folders.append(Path(json.loads((paths.data / "owner.json").read_bytes())["address"]).parent)
        child.kill()
        child.communicate()
        assert ask(paths, "pid")[0] is None
    mine = Owner.acquire(paths)
    assert mine
    mine.serve(owners.run)
    assert ask(paths, "exit", "3")[0] == 3
    mine.close()
    if sys.platform != "win32":
        assert not any(folder.exists() for folder in socket_folders)


def test_of_twenty_starts_at_once_one_owns_and_the_others_hand_over(paths: Paths) -> None:
    children = [start(paths, "claim", "pid") for _ in range(20)]
    for child in children:
        assert child.stdout
    words = {child: first_line(child) for child in children}
    owner = [child for child in children if words[child] == "owner"]
    assert len(owner) == 1
    others = [child for child in children if child is not owner[0]]
    assert {words[child] for child in others} == {str(owner[0].pid)}
    assert [child.wait(60) for child in others] == [0] * 19
    for child in children:
        child.communicate()


def test_an_owner_that_does_not_answer_is_waited_for_and_then_said_so(paths: Paths) -> None:
    silent = start(paths, "silent")
    assert first_line(silent) == "owner"
    request = CommandRequest(("pid",), "/", "en")
    with pytest.raises(Unavailable) as failure:
        claim(paths, request, io.StringIO(), io.StringIO(), patience=0.1)
    assert failure.value.code == "owner_busy"
    silent.kill()
    silent.communicate()
    mine = claim(paths, request, io.StringIO(), io.StringIO(), patience=0.1)
    assert isinstance(mine, Owner)
    mine.close()


def test_nobody_there(paths: Paths) -> None:
    assert ask(paths, "pid") == (None, "", "")
    paths.make()
    for contact in (b"", b"{}", b"[1]", b'{"address": "/nowhere", "key": "00"}', b'{"address": 5, "key": "zz"}'):
        (paths.data / "owner.json").write_bytes(contact)
        assert ask(paths, "pid") == (None, "", "")


def test_without_the_key_nothing_is_said(paths: Paths) -> None:
    mine = Owner.acquire(paths)
    assert mine
    mine.serve(owners.run)
    contact = paths.data / "owner.json"
    told = json.loads(contact.read_bytes())
    if sys.platform != "win32":
        assert contact.stat().st_mode & 0o777 == 0o600
        assert Path(told["address"]).parent.stat().st_mode & 0o777 == 0o700
        assert len(os.fsencode(told["address"])) < 104
    contact.write_text(json.dumps({**told, "key": "00" * 32}))
    assert ask(paths, "pid") == (None, "", "")
    contact.write_text(json.dumps(told))
    assert ask(paths, "exit", "4")[0] == 4
    mine.close()
    assert not contact.exists()


def test_closing_cancels_what_runs_for_others_and_they_are_told(paths: Paths) -> None:
    mine = Owner.acquire(paths)
    assert mine
    running = threading.Event()
    codes: list[int | None] = []

    def run(request: CommandRequest, out: Output, cancel: CancelToken) -> int:
        running.set()
        cancel.wait(60)
        out.write("stopped")
        return 9

    mine.serve(run)
    client = threading.Thread(target=lambda: codes.append(ask(paths, "x")[0]))
    client.start()
    assert running.wait(60)
    mine.close()
    mine.close()
    client.join(60)
    assert codes == [9]
    again = Owner.acquire(paths)
    assert again
    again.close()


@POSIX
def test_a_long_folder_name_does_not_make_a_long_socket_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("long" * 30)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    paths = Paths.under(long / "home")
    mine = Owner.acquire(paths)
    assert mine
    mine.serve(owners.run)
    assert ask(paths, "exit", "5")[0] == 5
    mine.close()


def test_a_folder_that_cannot_hold_the_lock_is_said_so(paths: Paths) -> None:
    paths.make()
    (paths.data / "owner.lock").mkdir()
    with pytest.raises(StorageError):
        Owner.acquire(paths)


def test_output_here_is_shown_at_once() -> None:
    class Stream(io.StringIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed += 1

    out, err = Stream(), Stream()
    output = Output.to(out, err)
    output.write("a")
    output.error("b")
    assert (out.getvalue(), out.flushed, err.getvalue(), err.flushed) == ("a", 1, "b", 1)
