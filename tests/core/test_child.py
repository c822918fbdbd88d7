"""Work in a process of its own: whatever that process does, its parent gets an answer or the reason why not."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from backends.core.cancel import CancelToken
from backends.core.child import Child, ChildDied, ChildHung
from backends.core.errors import Cancelled, InvalidInput

MODULE = "tests.core.bad_child"
ROOT = Path(__file__).resolve().parents[2]
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")


@pytest.fixture
def child() -> Iterator[Child]:
    with Child(MODULE) as one:
        yield one


def ask(child: Child, do: str, *, timeout: float | None = 60, **request: object) -> list[dict]:
    return list(child.ask({"do": do, **request}, cancel=CancelToken(), timeout=timeout))


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).wait(30) is None or True
    except psutil.NoSuchProcess:
        return True


def test_a_child_answers_one_question_after_the_other(child: Child) -> None:
    assert child.pid is None
    assert [answer["number"] for answer in ask(child, "count", to=1000)] == list(range(1000))
    first = child.pid
    assert ask(child, "count", to=0) == []
    assert child.pid == first


def test_it_works_in_an_empty_folder_of_its_own_that_goes_with_it(child: Child) -> None:
    (told,) = ask(child, "who")
    assert told["files"] == []
    assert Path(told["folder"]) != Path.cwd()
    assert told["folder"] not in told["path"]
    assert "" not in told["path"]
    if sys.platform != "win32":
        assert told["session"] == told["pid"]
    child.close()
    assert not Path(told["folder"]).exists()
    assert gone(told["pid"])


def test_what_is_refused_there_is_refused_here_in_both_languages(child: Child) -> None:
    with pytest.raises(InvalidInput) as refused:
        ask(child, "refuse")
    assert (refused.value.code, refused.value.message.zh, refused.value.hint.en) == ("no_way", "不。", "Ask again.")
    first = child.pid
    assert first
    ask(child, "count", to=1)
    assert child.pid == first


@posix
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT", "SIGILL"])
def test_a_child_that_dies_of_a_signal_is_told_with_its_last_words(child: Child, name: str) -> None:
    number = signal.Signals[name]
    with pytest.raises(ChildDied) as died:
        ask(child, "die", signal=number, words="out of cheese")
    assert (died.value.code, died.value.said) == (-number, "out of cheese")
    assert name in str(died.value)
    assert ask(child, "count", to=1) == [{"number": 0}]


@posix
def test_a_bad_pointer_in_native_code_ends_only_the_child(child: Child) -> None:
    with pytest.raises(ChildDied) as died:
        ask(child, "fault")
    assert died.value.code == -signal.SIGSEGV


def test_an_abort_message_goes_before_everything_else(child: Child) -> None:
    with pytest.raises(ChildDied) as died:
        ask(child, "abort with words")
    assert died.value.said == "GGML_ASSERT(everything) failed"
    assert died.value.code != 0


def test_a_child_that_leaves_without_a_word(child: Child) -> None:
    with pytest.raises(ChildDied) as died:
        ask(child, "leave")
    assert (died.value.code, died.value.said) == (7, "")


def test_a_bug_there_is_told_with_its_traceback(child: Child) -> None:
    with pytest.raises(ChildDied) as died:
        ask(child, "bug")
    assert died.value.code == 1
    assert "ZeroDivisionError" in died.value.said


def test_a_child_that_hangs_is_ended(child: Child) -> None:
    ask(child, "count", to=1)  # what it takes to start counts, too
    answers = child.ask({"do": "hang"}, cancel=CancelToken(), timeout=3)
    pid = next(answers)["pid"]
    with pytest.raises(ChildDied) as died:
        next(answers)
    assert "in time" in died.value.said
    assert gone(pid)
    assert ask(child, "count", to=1) == [{"number": 0}]


def test_a_child_that_says_nothing_for_too_long_is_ended(child: Child) -> None:
    answers = child.ask({"do": "hang"}, cancel=CancelToken(), silence=3)
    pid = next(answers)["pid"]
    with pytest.raises(ChildHung):
        next(answers)
    assert gone(pid)
    assert list(child.ask({"do": "count", "to": 2}, cancel=CancelToken(), silence=60)) == [{"number": 0}, {"number": 1}]


@posix
def test_a_busy_system_takes_nothing_of_the_work_a_child_may_do(child: Child) -> None:
    """It stands still for longer than that; one that works for ever is ended."""
    (told,) = ask(child, "who")
    stopped = psutil.Process(told["pid"])
    stopped.suspend()
    later = threading.Timer(1.5, stopped.resume)
    later.start()
    assert list(child.ask({"do": "count", "to": 1}, cancel=CancelToken(), timeout=60, work=1)) == [{"number": 0}]
    later.join()
    with pytest.raises(ChildHung):
        list(child.ask({"do": "work"}, cancel=CancelToken(), work=0.5))
    assert gone(told["pid"])


def test_a_child_does_not_run_ahead_of_who_reads_it(tmp_path: Path) -> None:
    said, ahead = tmp_path / "said", 2
    in_the_pipe = 3  # one half written, one half read, one that waits for room
    with Child(MODULE, ahead) as child:
        answer = {"number": -1}
        for answer in child.ask({"do": "talk", "to": 200, "said": str(said)}, cancel=CancelToken(), silence=60):
            assert int(said.read_text(encoding="ascii")) <= answer["number"] + 1 + ahead + in_the_pipe
        assert answer["number"] == 199
        assert next(child.ask({"do": "talk", "to": 200, "said": str(said)}, cancel=CancelToken()))["number"] == 0
    assert child.pid is None


def test_a_cancel_ends_the_child_at_once(child: Child) -> None:
    cancel = CancelToken()
    answers = child.ask({"do": "hang"}, cancel=cancel)
    pid = next(answers)["pid"]
    threading.Thread(target=cancel.cancel).start()
    with pytest.raises(Cancelled):
        next(answers)
    assert gone(pid)
    with pytest.raises(Cancelled):
        next(child.ask({"do": "count", "to": 1}, cancel=cancel))
    assert child.pid is None


@posix
def test_a_cancel_that_comes_late_does_not_hit_the_next_question() -> None:
    class Late(CancelToken):
        """Calls back when the question is over: what else waits for the cancel took its time."""

        def on_cancel(self, callback: Callable[[], None]) -> Callable[[], None]:
            self.callback = callback
            return super().on_cancel(callback)

    late = Late()
    with Child(MODULE, ahead=1) as child:  # it waits with most of its answers
        assert list(child.ask({"do": "count", "to": 0}, cancel=late)) == []
        answers = child.ask({"do": "count", "to": 20_000}, cancel=CancelToken(), timeout=600)
        next(answers)
        late.callback()
        assert len(list(answers)) == 19_999


def test_the_childs_own_children_go_with_it(child: Child) -> None:
    cancel = CancelToken()
    answers = child.ask({"do": "hang with child"}, cancel=cancel)
    pid = next(answers)["pid"]
    cancel.cancel()
    with pytest.raises(Cancelled):
        next(answers)
    assert gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="the pipes are found through /proc")
def test_a_pipe_that_stays_open_holds_up_no_cancel(child: Child) -> None:
    """As that of a child that waits for a dead drive: a kill does not end it at once."""
    cancel = CancelToken()
    answers = child.ask({"do": "leave the pipe to another"}, cancel=cancel)
    other = psutil.Process(next(answers)["pid"])
    cancel.cancel()
    with pytest.raises(Cancelled):
        next(answers)
    assert other.is_running()
    assert ask(child, "count", to=1) == [{"number": 0}]
    other.kill()


def test_answers_that_nobody_reads_to_the_end_do_not_reach_the_next_question(child: Child) -> None:
    answers = child.ask({"do": "count", "to": 100_000}, cancel=CancelToken())
    next(answers)
    pid = child.pid
    answers.close()
    assert pid
    assert gone(pid)
    assert ask(child, "count", to=1) == [{"number": 0}]


def test_what_libraries_print_is_no_answer_and_blocks_nobody(child: Child) -> None:
    assert ask(child, "chatter") == [{"number": 1}]


@pytest.mark.skipif(sys.platform != "linux", reason="the pipe is found through /proc")
@pytest.mark.parametrize("garbage", ["rubbish\n", "[1]\n", '"end"\n', "\xff\xfe\x00\n", "{" * 100_000 + "\n", "3\n"])
def test_a_child_that_speaks_nonsense_is_ended(child: Child, garbage: str) -> None:
    with pytest.raises(ChildDied) as died:
        ask(child, "garbage", bytes=garbage)
    assert "not an answer" in died.value.said
    assert ask(child, "count", to=1) == [{"number": 0}]


def test_a_module_that_does_not_start() -> None:
    with Child("tests.core.no_such_child") as child, pytest.raises(ChildDied) as died:
        ask(child, "count", to=1)
    assert "no_such_child" in died.value.said


@posix
def test_a_child_dies_with_its_parent_even_while_it_works() -> None:
    code = (
        "from backends.core.child import Child\nfrom backends.core.cancel import CancelToken\n"
        f"answers = Child({MODULE!r}).ask({{'do': 'hang'}}, cancel=CancelToken())\n"
        "print(next(answers)['pid'], flush=True)\nnext(answers)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    pid = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert gone(pid)


def test_children_that_die_leave_nothing_open(child: Child) -> None:
    ours = psutil.Process()
    ask(child, "count", to=1)
    child.close()
    before = ours.num_fds() if sys.platform != "win32" else ours.num_handles()
    for _ in range(10):
        with pytest.raises(ChildDied):
            ask(child, "leave")
    after = ours.num_fds() if sys.platform != "win32" else ours.num_handles()
    assert after <= before
    assert ours.children() == []
