"""The queue of downloads: its order and its states survive whatever ends the program."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.core.errors import DownloadError
from backends.core.phrase import Phrase
from backends.models.progress import (
    DownloadFinished,
    DownloadNotice,
    DownloadProgress,
    DownloadSource,
    DownloadVerifying,
    DownloadWaiting,
)
from backends.models.queue import Queue, Queued, failed, resting, told


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "downloads.json"


def refs(queue: Queue) -> list[str]:
    return [item.ref for item in queue.items()]


def test_the_order_is_kept_across_a_restart(file):
    queue = Queue(file)
    for ref in "abc":
        queue.add(Queued(ref))
    queue.move("c", 0)
    queue.add(Queued("a"))
    assert refs(queue) == refs(Queue(file)) == ["c", "a", "b"]
    assert [item.position for item in queue.items()] == [0, 1, 2]
    queue.remove("c")
    assert refs(Queue(file)) == ["a", "b"]


def test_what_ran_waits_again_what_rested_rests_what_failed_says_why(file):
    queue = Queue(file)
    for ref in "abcd":
        queue.add(Queued(ref, "https://hf-mirror.com", repo="o/n", file="n.gguf", total=100))
    queue.change("a", lambda item: told(item, DownloadProgress(40, 100, 5.0, 12.0, "n.gguf")))
    queue.change("b", lambda item: resting(told(item, DownloadProgress(30, 100, 5.0, 12.0, "")), "paused"))
    error = DownloadError(Phrase("No way.", "不行。"), Phrase("Try.", "请重试。"), code="gated")
    queue.change("c", lambda item: failed(item, error))
    a, b, c, d = Queue(file).items()
    assert [item.state for item in (a, b, c, d)] == ["waiting", "paused", "failed", "waiting"]
    assert (b.done, b.total, b.endpoint, b.repo, b.file) == (30, 100, "https://hf-mirror.com", "o/n", "n.gguf")
    assert (c.code, c.reason, c.hint) == ("gated", error.message, error.hint)
    assert Queue(file).following() == a


def test_what_has_come_is_not_there_after_a_restart(file):
    queue = Queue(file)
    queue.add(Queued("a"))
    queue.change("a", lambda item: Queued(item.ref, state="finished"))
    assert refs(queue) == ["a"]
    assert refs(Queue(file)) == []


def test_progress_is_not_written_but_changes_are(file):
    queue = Queue(file)
    queue.add(Queued("a"))
    before = file.stat().st_mtime_ns
    queue.change("a", lambda item: told(item, DownloadProgress(1, 2, 3.0, 4.0, "")))
    assert file.stat().st_mtime_ns == before
    queue.change("a", lambda item: resting(item, "paused"))
    assert file.stat().st_mtime_ns != before


def test_each_event_is_told(file):
    item = told(Queued("a", total=10), DownloadProgress(5, 10, 2.0, 2.5, "f"))
    assert (item.state, item.done, item.bytes_per_s, item.seconds_left, item.left) == ("running", 5, 2.0, 2.5, 5)
    item = told(item, DownloadWaiting(Phrase("Lost.", "断开。"), 3.0))
    assert (item.state, item.reason.en) == ("retrying", "Lost.")
    assert item.next_try > 0
    item = told(item, DownloadSource("hf-mirror.com", Phrase("Gone.", "不在。")))
    assert (item.source, item.notice.en) == ("hf-mirror.com", "Gone.")
    item = told(item, DownloadNotice(Phrase("Changed.", "已更新。")))
    item = told(item, DownloadVerifying(0.5))
    assert (item.state, item.fraction, item.notice.en) == ("verifying", 0.5, "Changed.")
    assert told(item, DownloadFinished(Path("x"), True)).state == "verifying"
    assert told(item, DownloadProgress(6, 10, 2.0, 2.0, "f")).reason.en == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"downloads": {}}',
        b'{"downloads": [1]}',
        b'{"downloads": [{"ref": ""}]}',
        b'{"downloads": [{"ref": "a", "state": "running"}]}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_file_is_put_aside_and_said(file, content):
    file.write_bytes(content)
    queue = Queue(file)
    assert queue.items() == ()
    if content != b'{"downloads": {}}':
        assert queue.notice.zh
        assert list(file.parent.glob("downloads.json.corrupt*"))
    queue.add(Queued("a"))
    assert refs(Queue(file)) == ["a"]


def test_two_entries_of_one_name_are_one(file):
    file.write_text(json.dumps({"downloads": [{"ref": "a", "state": "paused"}, {"ref": "a", "state": "waiting"}]}))
    assert [item.state for item in Queue(file).items()] == ["waiting"]


@given(steps=st.lists(st.tuples(st.sampled_from(["add", "move", "remove"]), st.integers(0, 5), st.integers(-1, 7))))
def test_it_is_as_a_list(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("queue") / "downloads.json"
    queue, model = Queue(path), list[str]()
    for what, number, place in steps:
        ref = f"model{number}"
        match what:
            case "add":
                queue.add(Queued(ref))
                model += [] if ref in model else [ref]
            case "move":
                queue.move(ref, place)
                if ref in model:
                    model.remove(ref)
                    model.insert(max(0, place), ref)
            case _:
                queue.remove(ref)
                model = [one for one in model if one != ref]
        assert refs(queue) == model
    assert refs(Queue(path)) == model
