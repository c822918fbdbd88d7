"""The folder of saved states: what is written comes back, what is damaged never does, and the budget holds."""

import os
import random
import subprocess
import sys
import threading
import time
from array import array
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.core.cancel import CancelToken
from backends.core.errors import StorageError
from backends.engine import state_file, states
from backends.engine.state_file import BLOCK, Damaged, Foreign, Head
from backends.engine.states import StateStore, common
from tests.kit.state_writers import DATA, TOKENS, kill_savers

KEY = "some model"
MIB = 1 << 20


def ids(*tokens: int) -> bytes:
    return array("i", tokens).tobytes()


def head(tokens: bytes, data: bytes, *labels: str, key: str = KEY) -> Head:
    return Head(key, tokens, frozenset(labels), len(data), "0.3.36")


def save(store: StateStore, tokens: bytes, data: bytes, *labels: str, key: str = KEY) -> None:
    """Save it, and wait until it is on the disk or given up."""
    assert store.save(head(tokens, data, *labels, key=key), lambda: bytearray(data))
    assert store.wait(60)


def restore(store: StateStore, tokens: bytes, key: str = KEY) -> bytes | None:
    """What the store has for a prompt: of the state that shares most with it, if that can be read."""
    match = store.find(key, tokens, whole=False)
    if match is None:
        return None
    (*data,) = store.read(match.saved)
    return bytes(data[0]) if data else None


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def aged(folder: Path) -> None:
    """All that is there was used a day ago, each a little later than the one before it."""
    for number, path in enumerate(sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)):
        then = time.time_ns() - 86_400_000_000_000 + number * 1_000_000_000
        os.utime(path, ns=(then, then))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "states"


@pytest.fixture
def store(folder: Path):
    store = StateStore(folder, 100 * MIB)
    yield store
    store.close()
    assert not {thread.name for thread in threading.enumerate()} & {"saving", "restore"}


# ---- saved and found


@pytest.mark.parametrize("size", [1, 1000, BLOCK, BLOCK + 1, 2 * BLOCK + 77])
def test_what_was_saved_comes_back_after_a_restart(folder: Path, store: StateStore, size: int) -> None:
    data = random.Random(size).randbytes(size)
    save(store, ids(1, 2, 3), data, "conversation:1")
    assert restore(store, ids(1, 2, 3, 4)) == data
    again = StateStore(folder, 100 * MIB)
    again.open()
    match = again.find(KEY, ids(1, 2, 9), whole=False)
    assert match
    assert (match.shared, match.head.length, match.head.labels) == (2, 3, {"conversation:1"})
    assert restore(again, ids(1, 2, 9)) == data
    assert again.size() == store.size() == sum(path.stat().st_size for path in folder.iterdir())
    again.close()


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_only_this_user_may_read_it(folder: Path, store: StateStore) -> None:
    save(store, ids(1), b"secret")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600]


def test_the_longest_common_beginning_wins(store: StateStore) -> None:
    save(store, ids(1, 2, 3), b"three", "conversation:1")
    save(store, ids(1, 2, 3, 4, 5), b"five!", "conversation:2")
    save(store, ids(1, 9, 9, 9, 9, 9, 9), b"other", "conversation:3")
    assert restore(store, ids(1, 2, 3, 4, 6)) == b"five!"
    assert restore(store, ids(1, 2, 3, 7)) == b"three"  # as much of both, but less to read
    assert restore(store, ids(7, 7)) is None
    match = store.find(KEY, ids(1, 2, 3, 4, 6), whole=True)  # a memory that cannot go back
    assert match
    assert match.head.tokens == ids(1, 2, 3)
    assert store.find(KEY, ids(1, 2), whole=True) is None


def test_another_key_does_not_take_it(store: StateStore) -> None:
    save(store, ids(1, 2, 3), b"mine")
    assert restore(store, ids(1, 2, 3), "another model") is None
    assert restore(store, ids(1, 2, 3)) == b"mine"


def test_a_longer_one_takes_the_place_of_a_shorter_one(folder: Path, store: StateStore) -> None:
    save(store, ids(1, 2), b"short", "conversation:1")
    save(store, ids(1, 2), b"document", "document:5")
    save(store, ids(1, 2), b"foreign", "conversation:1", key="another model")
    save(store, ids(1, 2, 3), b"long", "conversation:1")
    assert len(files(folder)) == 3  # what was read for others stays
    assert restore(store, ids(1, 2, 3)) == b"long"
    assert restore(store, ids(1, 2), "another model") == b"foreign"
    store.erase({"conversation:1"})
    assert restore(store, ids(1, 2, 3)) == b"document"


@given(
    st.lists(st.integers(0, 2), max_size=40),
    st.lists(st.integers(0, 2), max_size=40),
    st.lists(st.integers(-(2**31), 2**31 - 1), max_size=40),
)
def test_what_two_prompts_share(one: list[int], other: list[int], beginning: list[int]) -> None:
    one, other = beginning + one, beginning + other
    expected = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    assert common(ids(*one), ids(*other)) == expected


# ---- damage


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Head, bytes]:
    """The bytes of a small file, its head and its data."""
    folder = tmp_path_factory.mktemp("sound")
    data = random.Random(5).randbytes(300)
    described = head(ids(*range(100)), data, "conversation:1")
    with open(folder / "sound.state", "w+b") as file:
        list(state_file.write(file, described, memoryview(data)))
    return (folder / "sound.state").read_bytes(), described, data


def read(path: Path) -> tuple[Head, bytes]:
    found = state_file.read_head(path)
    return found, bytes(state_file.read_data(path, found, CancelToken()))


@pytest.mark.skipif(sys.platform == "win32", reason="pwrite of POSIX")
def test_every_byte_that_changes_is_noticed(tmp_path: Path, sound: tuple[bytes, Head, bytes]) -> None:
    content, described, data = sound
    path = tmp_path / "one.state"
    path.write_bytes(content)
    assert read(path) == (described, data)
    with path.open("r+b", buffering=0) as file:
        for place in range(len(content)):
            for flip in (1, 0x80, 0xFF):
                os.pwrite(file.fileno(), bytes([content[place] ^ flip]), place)
                with pytest.raises((Damaged, Foreign)):
                    read(path)
            os.pwrite(file.fileno(), content[place : place + 1], place)
    assert read(path) == (described, data)


def test_every_length_but_its_own_is_noticed(tmp_path: Path, sound: tuple[bytes, Head, bytes]) -> None:
    content, _, _ = sound
    path = tmp_path / "one.state"
    path.write_bytes(content)
    for length in reversed(range(len(content))):
        os.truncate(path, length)
        with pytest.raises(Damaged):
            read(path)
    path.write_bytes(content + b"\0")
    with pytest.raises(Damaged):
        read(path)


def test_damage_of_any_kind_is_noticed(tmp_path: Path) -> None:
    """200 damages, of the kinds that disks and programs do, to a file of three blocks."""
    chance = random.Random(4)
    data = chance.randbytes(2 * BLOCK + 5000)
    path = tmp_path / "one.state"
    with open(path, "w+b") as file:
        list(state_file.write(file, head(ids(*range(3000)), data), memoryview(data)))
    content = path.read_bytes()
    for _ in range(200):
        bad, at, length = bytearray(content), chance.randrange(len(content)), chance.randint(1, 9000)
        match chance.randrange(5):
            case 0:
                bad[at] ^= 1 << chance.randrange(8)
            case 1:
                bad[at : at + length] = bytes(len(bad[at : at + length]))  # a sector that was never written
            case 2:
                bad[at : at + length] = chance.randbytes(len(bad[at : at + length]))
            case 3:
                del bad[at : at + length]
            case 4:
                other = chance.randrange(len(content))  # a sector of another place
                bad[at : at + length] = content[other : other + len(bad[at : at + length])]
        if bytes(bad) == content:
            continue
        path.write_bytes(bad)
        with pytest.raises((Damaged, Foreign)):
            read(path)


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_a_damaged_state_is_removed_and_never_given(folder: Path, store: StateStore) -> None:
    """Its head is looked at when the folder is opened, its data when it is wanted."""
    for number in range(3):
        save(store, ids(number, 1), b"data %d" % number)
    heads, sizes = {}, {}
    for path in folder.iterdir():
        heads[state_file.read_head(path).tokens], sizes[path] = path, path.stat().st_size
    flip(heads[ids(0, 1)], 40)
    flip(heads[ids(1, 1)], -1)
    again = StateStore(folder, 100 * MIB)
    assert again.find(KEY, ids(0, 1), whole=False) is None
    assert not heads[ids(0, 1)].exists()
    assert restore(again, ids(1, 1)) is None
    assert not heads[ids(1, 1)].exists()
    assert again.find(KEY, ids(1, 1), whole=False) is None
    assert restore(again, ids(2, 1)) == b"data 2"
    again.close()


def test_another_one_in_its_place_is_not_taken_for_it(folder: Path, store: StateStore) -> None:
    save(store, ids(1, 1), b"mine")
    save(store, ids(2, 2), b"else")
    mine, other = sorted(folder.iterdir(), key=lambda path: state_file.read_head(path).tokens)
    mine.write_bytes(other.read_bytes())
    assert restore(store, ids(1, 1)) is None
    assert restore(store, ids(2, 2)) == b"else"


def test_of_another_version_it_stays_until_there_is_no_room(
    folder: Path, store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_file, "VERSION", state_file.VERSION + 1)
    save(store, ids(1, 2), bytes(MIB))
    monkeypatch.undo()
    (foreign,) = folder.iterdir()
    aged(folder)
    again = StateStore(folder, 2 * MIB)
    assert again.find(KEY, ids(1, 2), whole=False) is None
    assert again.size() == foreign.stat().st_size
    save(again, ids(3), bytes(MIB // 2))
    assert foreign.exists()
    save(again, ids(4), bytes(MIB // 2))
    assert not foreign.exists()
    assert len(files(folder)) == 2
    again.close()


def test_what_is_not_ours_is_left_alone(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    (folder / "more.state").mkdir()
    store = StateStore(folder, MIB)
    store.open()
    save(store, ids(1), b"data")
    store.erase(None)
    assert files(folder) == {"notes.txt", "more.state"}
    assert store.size() == 0
    store.close()


# ---- the budget


def test_the_least_recently_used_goes_first(folder: Path) -> None:
    store = StateStore(folder, 3 * MIB + 50_000)
    for number in (1, 2, 3):
        save(store, ids(number), bytes([number]) * MIB)
    aged(folder)
    store.close()
    store = StateStore(folder, 3 * MIB + 50_000)
    match = store.find(KEY, ids(1), whole=False)
    assert match
    store.use(match.saved)
    save(store, ids(4), bytes(MIB))
    assert restore(store, ids(2)) is None
    again = StateStore(folder, 3 * MIB + 50_000)  # the use is known after a restart too
    save(again, ids(5), bytes(MIB))
    assert restore(again, ids(3)) is None
    assert restore(again, ids(1)) == b"\x01" * MIB
    store.close()
    again.close()


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(1, 40_000), max_size=12), budget=st.integers(1, 60_000))
def test_the_budget_is_never_exceeded(tmp_path_factory: pytest.TempPathFactory, sizes: list[int], budget: int) -> None:
    folder = tmp_path_factory.mktemp("budget")
    store = StateStore(folder, budget)
    for number, size in enumerate(sizes):
        if store.save(head(ids(number), bytes(size)), lambda size=size: bytearray(size)):
            assert store.wait(60)
            assert restore(store, ids(number)) == bytes(size)
        assert sum(path.stat().st_size for path in folder.iterdir()) <= budget
    store.close()


def test_only_one_state_is_in_memory(store: StateStore) -> None:
    """While one is being written no other is taken out of the cache."""
    written = threading.Event()
    go_on, data = threading.Event(), bytes(BLOCK)

    def wait_here(*_: object) -> None:
        written.set()
        go_on.wait(60)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state_file.zlib, "crc32", lambda *a: (wait_here(), 0)[1])
        assert store.save(head(ids(1), data), lambda: bytearray(data))
        written.wait(60)
        taken: list[int] = []
        assert store.saving
        assert not store.save(head(ids(2), data), lambda: taken.append(1) or bytearray(data))
        assert not taken
        go_on.set()
        assert store.wait(60)
    save(store, ids(2), data)
    assert restore(store, ids(2)) == data


# ---- disks that refuse


def test_a_full_disk_costs_only_the_state(
    folder: Path, store: StateStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    save(store, ids(1), b"before")
    monkeypatch.setattr(states, "_LEFT_FREE", 1 << 62)
    save(store, ids(2), b"too much")
    assert "No space left" in caplog.text
    assert len(files(folder)) == 1
    monkeypatch.undo()
    assert restore(store, ids(1)) == b"before"
    save(store, ids(2), b"fits")
    assert restore(store, ids(2)) == b"fits"


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_disk_that_is_full_in_the_middle(folder: Path) -> None:
    """A process that may not write more than so much into a file, a real error out of `write`."""
    code = f"""
import resource
from pathlib import Path
from backends.engine.state_file import BLOCK, Head
from backends.engine.states import StateStore
resource.setrlimit(resource.RLIMIT_FSIZE, (BLOCK + 1000, BLOCK + 1000))
store = StateStore(Path({str(folder)!r}), 1 << 30)
assert store.save(Head("k", b"1234", frozenset(), 2 * BLOCK), lambda: bytearray(2 * BLOCK))
assert store.wait(60)
assert store.size() == 0
assert store.save(Head("k", b"1234", frozenset(), 100), lambda: bytearray(100))
assert store.wait(60)
print(store.size(), len(list(Path({str(folder)!r}).iterdir())))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    size, count = map(int, done.stdout.split())
    assert size > 100
    assert count == 1


def test_a_folder_that_cannot_be_made_or_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    store = StateStore(tmp_path / "file" / "states", MIB)
    store.open()
    assert store.find(KEY, ids(1), whole=False) is None
    save(store, ids(1), b"data")
    assert "a state is not saved" in caplog.text
    assert store.size() == 0
    store.erase({"conversation:1"})
    store.close()


def test_a_state_that_went_away_or_cannot_be_read(folder: Path, store: StateStore) -> None:
    save(store, ids(1), b"data")
    match = store.find(KEY, ids(1), whole=False)
    assert match
    match.saved.path.unlink()
    assert restore(store, ids(1)) is None
    store.use(match.saved)
    store.erase(None)
    assert store.size() == 0


# ---- erased


def test_erase_by_label(folder: Path, store: StateStore) -> None:
    save(store, ids(1), b"one", "conversation:1", "document:5")
    save(store, ids(2), b"two", "conversation:2")
    save(store, ids(3), b"three", "conversation:3", "document:5", key="another model")
    store.erase({"document:5", "document:6"})
    assert [state_file.read_head(path).tokens for path in folder.iterdir()] == [ids(2)]
    assert restore(store, ids(1)) is None
    store.erase(None)
    assert not files(folder)


def test_of_whom_nobody_knows_what_it_read_goes_too(
    folder: Path, store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_file, "VERSION", state_file.VERSION + 1)
    save(store, ids(1), b"of a newer version", "conversation:1")
    monkeypatch.undo()
    again = StateStore(folder, MIB)
    again.erase({"conversation:1"})
    assert not files(folder)
    again.close()


@pytest.mark.parametrize("labels", [{"conversation:1"}, None])
def test_erase_while_it_is_being_written(folder: Path, store: StateStore, labels: set[str] | None) -> None:
    save(store, ids(9), b"other", "conversation:9")
    written, go_on = threading.Event(), threading.Event()

    def wait_here() -> None:
        written.set()
        go_on.wait(60)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state_file, "_flush", lambda _: wait_here())
        assert store.save(head(ids(1), b"secret", "conversation:1"), lambda: bytearray(b"secret"))
        written.wait(60)
        erasing = threading.Thread(target=store.erase, args=(labels,))
        erasing.start()
        while store._save and not store._save.token.cancelled:  # it has begun
            erasing.join(0.001)
        assert erasing.is_alive()  # not done before that one is gone
        go_on.set()
        erasing.join(60)
    assert len(files(folder)) == (1 if labels else 0)
    assert restore(store, ids(1)) is None


def test_a_file_that_cannot_be_removed_is_told(
    folder: Path, store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(store, ids(1), b"one", "conversation:1")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "in use")))
        with pytest.raises(StorageError):
            store.erase({"conversation:1"})
    assert store.size() > 0
    store.erase({"conversation:1"})
    assert store.size() == 0


# ---- the process is killed


def test_kill_9_while_it_writes_leaves_nothing_that_loads(folder: Path) -> None:
    """What is there is whole, and what was never finished goes at the next start."""
    unfinished = kill_savers(folder, loops=6)
    assert unfinished >= 1
    store = StateStore(folder, 1 << 30)
    store.open()
    assert all(path.suffix == ".state" for path in folder.iterdir())
    assert restore(store, TOKENS) == DATA
    store.close()


def test_a_head_is_what_it_was(tmp_path: Path) -> None:
    described = replace(head(ids(1, -1, 2**31 - 1), b"x", "对话:1", 'a"b'), created=1.25)
    with open(tmp_path / "one.state", "w+b") as file:
        list(state_file.write(file, described, memoryview(b"x")))
    assert state_file.read_head(tmp_path / "one.state") == described
    assert (tmp_path / "one.state").stat().st_size == described.file_size
