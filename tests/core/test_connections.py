"""The list of connections: it outlives the program, has an end, and can be erased."""

import sys
from pathlib import Path

import pytest

from backends.core.connections import KEPT, ConnectionLog
from backends.core.errors import StorageError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "connections.log"


def hosts(log: ConnectionLog) -> list[str]:
    return [one.host for one in log.recent()]


def test_the_list_is_there_again_after_a_restart(path: Path) -> None:
    log = ConnectionLog(path)
    log.add("model list", "hub.example:443", "200")
    number = log.begin("model download", "cdn.example:443", "206")
    log.finish(number, received=5_000_000_000, sent=300, seconds=77.5)
    running = log.begin("model download", "cdn.example:443", "206")
    assert log.recent()[2].seconds == 0
    log.close()
    before = log.recent()
    assert before[2].seconds > 0
    log.finish(running, received=1, sent=1, seconds=1.0)
    again = ConnectionLog(path)
    assert again.recent() == before
    assert (again.recent()[1].received, again.recent()[1].seconds) == (5_000_000_000, 77.5)
    again.close()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_the_file_is_for_this_user_alone(path: Path) -> None:
    log = ConnectionLog(path)
    log.add("t", "h:1", "200")
    assert path.stat().st_mode & 0o777 == 0o600
    log.close()


def test_lines_that_are_none_are_passed_over(path: Path) -> None:
    path.parent.mkdir()
    good = '{"time": 5, "purpose": "t", "host": "h:1", "outcome": "200", "received": 1, "sent": 2, "seconds": 0.5}'
    bad = [
        "2026-11-22 17:00:00,000  model list  hub:443  200",
        "",
        "null",
        "[" * 50_000,
        good.replace("5,", "-5,", 1),
        good.replace('"t"', "7"),
        good.replace("0.5", "1e999"),
        good[:40],
    ]
    path.write_bytes("\n".join([*bad, good]).encode() + b"\n\xff\xfe\n")
    log = ConnectionLog(path)
    assert hosts(log) == ["h:1"]
    log.close()


def test_memory_and_file_have_an_end(path: Path) -> None:
    log = ConnectionLog(path)
    first = log.begin("model download", "first:443", "206")
    for number in range(9000):
        log.add("model list", f"host-{number}.example:443", "200")
    log.finish(first, received=1, sent=1, seconds=1.0)
    assert (len(log.recent()), log.recent()[-1].host) == (KEPT, "host-8999.example:443")
    log.close()
    assert sum(file.stat().st_size for file in path.parent.iterdir()) <= 2_000_000
    again = ConnectionLog(path)
    assert hosts(again) == [f"host-{number}.example:443" for number in range(9000 - KEPT, 9000)]
    again.close()


def test_one_that_lasts_longer_than_the_list_does_not_go_on_for_ever(path: Path) -> None:
    log = ConnectionLog(path)
    log.begin("model download", "cdn.example:443", "206")
    for number in range(KEPT):
        log.add("model list", f"host-{number}.example:443", "200")
    log.close()
    again = ConnectionLog(path)
    assert [one.seconds > 0 for one in again.recent() if one.host == "cdn.example:443"] == [True]
    again.close()


def test_it_is_erased_from_the_disk_too_and_goes_on(path: Path) -> None:
    told: list[int] = []
    log = ConnectionLog(path)
    for number in range(9000):
        log.add("model list", f"host-{number}.example:443", "200")
    log.changed = lambda: told.append(len(log.recent()))
    running = log.begin("model download", "cdn.example:443", "206")
    log.erase()
    log.finish(running, received=1, sent=1, seconds=1.0)
    assert (log.recent(), told, list(path.parent.iterdir())) == ((), [KEPT, 0], [])
    log.add("model list", "hub.example:443", "200")
    log.close()
    again = ConnectionLog(path)
    assert hosts(again) == ["hub.example:443"]
    again.close()


def test_what_cannot_be_erased_is_said(path: Path) -> None:
    log = ConnectionLog(path)
    log.add("t", "h:1", "200")
    log.close()
    path.unlink()
    path.mkdir()  # in its place
    log = ConnectionLog(path)  # which cannot be read either: a list without earlier ones
    with pytest.raises(StorageError):
        log.erase()
    log.close()
