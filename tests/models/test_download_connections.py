"""Several connections fetch one file: every byte once, whoever breaks, hangs or is slow."""

import random
import threading
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, DownloadError, Unavailable
from backends.models import blocks, partial
from backends.models.download import DownloadOptions, DownloadProgress, Patience, pending
from backends.models.limit import RateLimit
from tests.kit.faults import HANG, IGNORES_RANGE, Fault, cut, paused, refused
from tests.kit.fetch import QUICK, REPO, Fetch, finished, only
from tests.kit.hub import HubServer

HUGE = "huge-Q8_0.gguf"
FOUR = DownloadOptions(connections=4, smallest=2 << 20, enough=0)


@pytest.fixture
def fetch(there: HubServer, huge: Path, tmp_path: Path) -> Fetch:
    there.add_repo(REPO, {HUGE: huge})
    return Fetch(there, tmp_path, options=FOUR)


def sent(hub: HubServer) -> int:
    return sum(end - begin for begin, end in hub.ranges(HUGE))


def until(fetch: Fetch, done: int) -> int:
    """Fetch until so many bytes are there, and pause then; how many there were."""
    cancel, there = CancelToken(), 0
    try:
        for event in fetch.events(cancel):
            if isinstance(event, DownloadProgress) and (there := event.done) >= done:
                cancel.cancel()
    except Cancelled:
        return there
    raise AssertionError("it was faster")


def test_a_file_comes_in_pieces_each_of_them_once(there, huge, fetch):
    assert finished(fetch.all()).verified
    assert fetch.target.read_bytes() == huge.read_bytes()
    assert len(there.ranges(HUGE)) > 4
    assert sent(there) == huge.stat().st_size
    assert there.ranges(HUGE)[0][0] == 0


def test_the_header_comes_first_and_alone(there, huge, tmp_path):
    foreign = bytearray(huge.read_bytes())
    start = foreign.index(b"qwen2")
    foreign[start : start + 5] = b"qwan9"
    there.add_repo(REPO, {HUGE: bytes(foreign)})
    with pytest.raises(Exception, match="qwan9"):
        Fetch(there, tmp_path, options=FOUR).all()
    assert len(there.ranges(HUGE)) == 1


@pytest.mark.parametrize("seed", range(6))
def test_any_mixture_of_what_passes_ends_in_the_right_bytes(there, huge, fetch, seed):
    chance = random.Random(seed)
    for _ in range(12):
        there.fail(
            "cdn",
            chance.choice(
                [
                    cut(chance.randrange(1, 2_000_000)),
                    cut(0),
                    refused(chance.choice([403, 429, 503]), Retry_After="0"),
                    Fault(ignore_range=True, cut_after=chance.randrange(1, 9_000_000)),
                ]
            ),
            times=1,
            spare=chance.randrange(3),
        )
    fetch.patience = replace(QUICK, attempts=30, begun=30)
    assert finished(fetch.all()).verified
    assert fetch.target.read_bytes() == huge.read_bytes()


def test_a_server_that_gives_whole_files_only_is_asked_by_one_connection(there, huge, fetch):
    there.fail("cdn", IGNORES_RANGE)
    assert finished(fetch.all()).verified
    assert there.ranges(HUGE) == [(0, huge.stat().st_size)]


def test_a_server_that_gives_whole_files_only_after_a_pause(there, huge, fetch):
    there.fail("cdn", cut(1_000_000), times=1, spare=3)
    until(fetch, 10_000_000)
    there.heal()
    there.fail("cdn", IGNORES_RANGE)
    assert finished(fetch.all()).verified
    assert fetch.target.read_bytes() == huge.read_bytes()


def test_a_server_that_allows_one_connection_only(there, huge, fetch):
    limit = threading.Semaphore(1)
    original = there._answer_bytes

    def one_at_a_time(door):
        if not limit.acquire(blocking=False):
            door.send(503, {}, b"")
            return
        try:
            original(door)
        finally:
            limit.release()

    there._answer_bytes = one_at_a_time
    assert finished(fetch.all()).verified
    assert fetch.target.read_bytes() == huge.read_bytes()


def test_what_a_dead_connection_had_is_taken_over_by_the_others(there, huge, fetch):
    there.fail("cdn", HANG, times=1, spare=2)
    fetch.patience = replace(QUICK, silence=600)
    assert finished(fetch.all()).verified
    assert fetch.target.read_bytes() == huge.read_bytes()


def test_what_a_connection_that_falls_silent_had_is_taken_over(there, huge, fetch):
    there.fail("cdn", paused(1_000_000), times=1, spare=2)
    fetch.patience = replace(QUICK, silence=600)
    assert finished(fetch.all()).verified
    assert sent(there) < huge.stat().st_size + (2 << 20)


def test_pause_stops_all_of_them_and_nothing_is_fetched_twice(there, huge, fetch):
    there.fail("cdn", paused(1_000_000), spare=1)
    cancel = CancelToken()
    there.when_paused(cancel.cancel)
    with pytest.raises(Cancelled):
        list(fetch.events(cancel))
    there.heal()
    (waiting,) = pending(fetch.models)
    assert 0 < waiting.done <= sent(there)
    events = fetch.all()
    assert finished(events).verified
    reports = [event.done for event in events if isinstance(event, DownloadProgress)]
    assert reports[0] == waiting.done
    assert reports == sorted(reports)
    assert reports[-1] == huge.stat().st_size  # each byte counted once, those of before among them


def test_one_that_is_refused_for_good_is_told_once(there, fetch):
    there.fail("cdn", refused(404), spare=1)
    with pytest.raises(DownloadError) as error:
        fetch.all()
    assert error.value.code == "link_expired"
    assert "kept" in error.value.hint.en
    assert pending(fetch.models)[0].done > 0


def test_a_download_of_the_former_kind_goes_on(there, huge, fetch):
    """Its `.part` is the beginning of the file, and there is no map."""
    content = huge.read_bytes()
    there.fail("cdn", cut(1000), times=1)
    fetch.until_cut()
    partial.map_path(fetch.target).unlink()
    partial.part_path(fetch.target).write_bytes(content[:15_000_000])
    assert pending(fetch.models)[0].done == 15_000_000
    before = sent(there)
    assert finished(fetch.all()).verified
    assert sent(there) - before == len(content) - 15_000_000


def test_wrong_bytes_of_a_download_of_the_former_kind_are_replaced(there, huge, fetch):
    content = bytearray(huge.read_bytes())
    there.fail("cdn", cut(1000), times=1)
    fetch.until_cut()
    partial.map_path(fetch.target).unlink()
    content[5_000_000] ^= 1
    partial.part_path(fetch.target).write_bytes(content[:15_000_000])
    assert finished(fetch.all()).verified
    assert fetch.target.read_bytes() == huge.read_bytes()


@pytest.mark.parametrize("torn", [b"", b"DSMAP", b"x" * 2000])
def test_a_torn_map_costs_nothing_but_a_comparison(there, huge, fetch, torn):
    there.fail("cdn", refused(500), spare=3)
    fetch.patience = Patience(attempts=2, begun=2, wait=0.01, silence=5)
    with pytest.raises(Unavailable):
        fetch.all()
    there.heal()
    partial.map_path(fetch.target).write_bytes(torn)
    assert finished(fetch.all()).verified
    assert fetch.target.read_bytes() == huge.read_bytes()


def test_the_receipt_has_the_sum_of_each_block_as_it_came(there, huge, fetch):
    fetch.all()
    receipt = partial.read_record(fetch.target, partial.RECEIPT)
    assert receipt is not None
    content, step = huge.read_bytes(), blocks.block_size(huge.stat().st_size)
    sums = [f"{zlib.crc32(content[at : at + step]):08x}" for at in range(0, len(content), step)]
    assert receipt.parts[0].blocks == "".join(sums)


# ---- the limit


def test_the_limit_is_shared_and_may_change():
    now = [0.0]
    limit = RateLimit(1_000_000, clock=lambda: now[0])
    assert limit.piece(1 << 20) == 100_000
    waits = [limit.owed(100_000) for _ in range(11)]
    assert waits == pytest.approx([n / 10 for n in range(1, 12)])
    limit.set(0)
    assert limit.owed(10**9) == 0
    assert limit.piece(1 << 20) == 1 << 20
    limit.set(10)
    assert limit.piece(1 << 20) == 4096


def test_all_connections_together_keep_the_limit():
    """Of what the connections took from the bucket, nobody had more than his share of its time."""
    now = [0.0]
    limit = RateLimit(20_000_000, clock=lambda: now[0])
    waited: list[float] = []

    class Waiting(CancelToken):
        def wait(self, seconds: float) -> bool:
            waited.append(seconds)
            now[0] += seconds
            return False

    for _ in range(100):
        limit.take(1_000_000, Waiting())
    assert now[0] == pytest.approx(100 / 20, abs=0.2)
    assert max(waited) <= 0.2


def test_a_limited_download_arrives_and_a_pause_ends_its_wait_at_once(there, huge, tmp_path):
    there.add_repo(REPO, {HUGE: huge})
    limit = RateLimit(3_000_000)
    fetch = Fetch(there, tmp_path, options=replace(FOUR, limit=limit))
    assert until(fetch, 1) < 20_000_000
    limit.set(0)
    assert finished(fetch.all()).verified
    assert only(fetch.all(), DownloadProgress) == []
