"""A hub that goes wrong in every way: a clear sentence, and never a wrong byte that passes for a model."""

import random
from dataclasses import replace

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, Cancelled, DownloadError, InvalidInput, NotFound, Unavailable
from backends.models.download import DownloadNotice, DownloadWaiting, Patience, pending
from tests.kit.faults import HANG, IGNORES_RANGE, Fault, cut, paused, refused, web_page
from tests.kit.fetch import QUICK, REPO, Fetch, finished, only

LARGE = "large-Q8_0.gguf"


@pytest.fixture
def fetch(there, large, tmp_path) -> Fetch:
    there.add_repo(REPO, {LARGE: large})
    return Fetch(there, tmp_path)


def fails(fetch: Fetch, kind: type[BackendError], code: str) -> BackendError:
    """It fails so, in words of both languages, and nothing that looks like a model is left."""
    with pytest.raises(kind) as error:
        fetch.all()
    assert error.value.code == code
    assert error.value.message.zh
    assert error.value.hint.zh
    assert not [path for path in fetch.models.rglob("*.gguf") if path.is_file()]
    return error.value


# ---- what passes: it goes on by itself


def test_a_connection_that_breaks_again_and_again_is_taken_up_as_long_as_bytes_come(there, large, fetch):
    there.fail("cdn", cut(1_000_000), times=8)
    events = fetch.all()
    assert finished(events).verified
    assert len(only(events, DownloadWaiting)) == 8 > QUICK.attempts
    ranges = there.ranges(LARGE)
    assert [start for start, _ in ranges] == [n * 1_000_000 for n in range(9)]
    assert ranges[-1][1] == large.stat().st_size


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ("get", refused(500)),
        ("get", refused(502)),
        ("get", refused(429, Retry_After="0")),
        ("cdn", refused(503)),
        ("cdn", refused(403)),  # a signed address that has run out
        ("cdn", cut(0)),
        ("get", cut(0)),
        ("cdn", Fault(status=206, headers={"Content-Range": "bytes 5-9/10"}, body=b"wrong")),
    ],
    ids=["500", "502", "429", "503 behind it", "link ran out", "cut", "cut before", "another piece"],
)
def test_what_passes_is_waited_out(there, fetch, place, fault):
    there.fail("cdn", cut(2_000_000), times=1)
    there.fail(place, fault, times=2)
    events = fetch.all()
    assert finished(events).verified
    assert all(waiting.reason.zh for waiting in only(events, DownloadWaiting))
    assert len(only(events, DownloadWaiting)) == 3
    assert [start for start, _ in there.ranges(LARGE)][-1] == 2_000_000


def test_silence_is_given_up_and_asked_anew(there, large, tmp_path):
    there.add_repo(REPO, {LARGE: large})
    there.fail("cdn", paused(3_000_000), times=1)
    there.fail("cdn", HANG, times=1)
    fetch = Fetch(there, tmp_path, patience=replace(QUICK, silence=0.3))
    assert finished(fetch.all()).verified
    starts = [start for start, _ in there.ranges(LARGE)]
    assert starts[0] == 0
    assert starts == sorted(starts)
    assert 0 < starts[-1] <= 3_000_000  # less if this machine itself was silent for so long
    assert len(there.seen(server="cdn")) >= 3


def test_a_hub_that_stays_silent_is_an_error_in_the_end_and_what_came_is_kept(there, large, tmp_path):
    there.add_repo(REPO, {LARGE: large})
    there.fail("cdn", cut(3_000_000), times=1)
    Fetch(there, tmp_path).until_cut()
    there.fail("cdn", HANG)
    fetch = Fetch(there, tmp_path, patience=Patience(attempts=2, begun=3, wait=0.01, silence=0.1))
    error = fails(fetch, DownloadError, "timeout")
    assert "kept" in error.hint.en
    assert pending(tmp_path)[0].done == 3_000_000


def test_a_hub_that_hangs_is_left_at_once_when_the_download_is_paused(there, fetch):
    there.fail("get", HANG)
    cancel = CancelToken()
    there.when_paused(cancel.cancel)
    with pytest.raises(Cancelled):
        list(fetch.events(cancel))
    assert there.seen(method="GET", path="/resolve/")


def test_a_server_that_ignores_the_range_does_no_harm(there, large, fetch):
    there.fail("cdn", cut(3_000_000), times=1)
    there.fail("cdn", IGNORES_RANGE)
    assert finished(fetch.all()).verified
    assert fetch.target.read_bytes() == large.read_bytes()
    assert there.ranges(LARGE) == [(0, 3_000_000), (0, large.stat().st_size)]


def test_a_server_that_ignores_the_range_and_breaks_off_never_costs_what_was_there(there, large, fetch):
    there.fail("cdn", cut(3_000_000), times=1)
    there.fail("cdn", Fault(ignore_range=True, cut_after=1_000_000), times=1)
    there.fail("cdn", Fault(ignore_range=True, cut_after=4_000_000), times=1)
    there.fail("cdn", cut(1), times=1)
    fetch.all()
    assert fetch.target.read_bytes() == large.read_bytes()
    assert there.ranges(LARGE)[3] == (4_000_000, 4_000_001)


def test_a_file_that_changes_while_it_is_fetched_is_begun_anew(there, large, tiny, fetch):
    there.fail("cdn", cut(3_000_000), times=1)
    events = []
    for event in fetch.events():
        events.append(event)
        if isinstance(event, DownloadWaiting):
            there.add_repo(REPO, {LARGE: tiny})
    assert finished(events).verified
    assert "changed" in only(events, DownloadNotice)[0].message.en
    assert fetch.target.read_bytes() == tiny.read_bytes()


def test_of_bytes_from_earlier_that_are_wrong_only_their_block_is_fetched_again(there, large, fetch):
    there.fail("cdn", cut(3_000_000), times=1)
    fetch.until_cut()
    (part,) = fetch.models.rglob("*.part")
    with part.open("r+b") as file:  # as after a power cut
        file.seek(1_500_000)
        file.write(b"\xff" * 4096)
    events = fetch.all()
    assert finished(events).verified
    assert "1.05 MB" in only(events, DownloadNotice)[0].message.en
    assert there.ranges(LARGE)[1:] == [(3_000_000, large.stat().st_size), (1 << 20, 2 << 20)]


def test_a_part_that_is_longer_than_the_file_is_begun_anew(there, fetch):
    there.fail("cdn", cut(3_000_000), times=1)
    fetch.until_cut()
    (part,) = fetch.models.rglob("*.part")
    with part.open("ab") as file:
        file.truncate(20_000_000)
    assert finished(fetch.all()).verified


@pytest.mark.parametrize("seed", range(8))
def test_any_chain_of_what_passes_ends_in_the_right_bytes(there, large, fetch, seed):
    chance = random.Random(seed)
    for _ in range(10):
        break_off = chance.randrange(1, 9_000_000)
        fault = chance.choice(
            [
                cut(break_off),
                cut(break_off),
                Fault(ignore_range=True, cut_after=break_off),
                refused(chance.choice([403, 429, 500, 503]), Retry_After="0"),
                cut(0),
            ]
        )
        there.fail("cdn", fault, times=1)
    fetch.patience = replace(QUICK, attempts=20, begun=20)
    assert finished(fetch.all()).verified
    assert fetch.target.read_bytes() == large.read_bytes()


# ---- what does not pass


@pytest.mark.parametrize("place", ["head", "get"])
@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        (refused(401), DownloadError, "sign_in_needed"),
        (refused(403, "GatedRepo"), DownloadError, "gated"),
        (refused(403), DownloadError, "forbidden"),
        (refused(404, "EntryNotFound"), NotFound, "file_not_found"),
        (refused(429, Retry_After="0"), Unavailable, "rate_limited"),
        (refused(500), Unavailable, "hub_unavailable"),
    ],
    ids=["401", "gated", "403", "404", "429", "500"],
)
def test_a_refusal_that_stays_is_told(there, fetch, place, fault, kind, code):
    there.fail(place, fault)
    fails(fetch, kind, code)


def test_nothing_behind_the_redirect(there, fetch):
    there.fail("cdn", refused(404))
    fails(fetch, DownloadError, "link_expired")


@pytest.mark.parametrize("claimed", [5_000_000, 50_000_000])
@pytest.mark.parametrize("place", ["head", "cdn"])
def test_a_lie_about_the_size_is_found_out(there, fetch, place, claimed):
    there.fail(place, Fault(claimed_size=claimed))
    error = fails(fetch, DownloadError, "size_mismatch")
    assert f"{claimed / 1e6:.2f} MB" in error.message.en


def test_a_lie_about_the_size_on_resuming_is_found_out(there, fetch):
    there.fail("cdn", cut(3_000_000), times=1)
    fetch.until_cut()
    there.fail("cdn", Fault(claimed_size=4_000_000))
    fails(fetch, DownloadError, "size_mismatch")
    assert pending(fetch.models)[0].done == 3_000_000


@pytest.mark.parametrize("place", ["get", "cdn"])
def test_a_web_page_instead_of_the_file(there, fetch, place):
    there.fail(place, web_page())
    error = fails(fetch, DownloadError, "not_a_hub")
    assert "sign in" in error.hint.en
    assert fetch.names in ([], [f"{LARGE}.part.json"])


def test_a_web_page_that_calls_itself_a_file(there, large, fetch):
    page = b"<!DOCTYPE html><html>" + b" " * (large.stat().st_size - 21)
    there.fail("cdn", Fault(instead=page))
    fails(fetch, InvalidInput, "not_gguf")
    assert fetch.names == []
    assert there.ranges(LARGE)[0][1] < large.stat().st_size


def test_wrong_bytes_are_removed_and_told(there, large, fetch):
    wrong = bytearray(large.read_bytes())
    wrong[-1] ^= 1
    there.fail("cdn", Fault(instead=bytes(wrong)))
    error = fails(fetch, DownloadError, "checksum_mismatch")
    assert "sha256" in error.message.en
    assert fetch.names == []
    assert len(there.ranges(LARGE)) == 2  # once to fetch, once to see whether it stays with what it said


def test_one_wrong_part_of_a_split_does_not_cost_the_others(there, parts, tmp_path):
    there.add_repo(REPO, {part.name: part for part in parts})
    fetch = Fetch(there, tmp_path)
    wrong = bytearray(parts[1].read_bytes())
    wrong[-1] ^= 1
    there.fail("cdn", Fault(instead=bytes(wrong)), times=2, spare=1)
    fails(fetch, DownloadError, "checksum_mismatch")
    assert fetch.names == [f"{parts[0].name}{end}" for end in (".part", ".part.json", ".part.map")]
    assert finished(fetch.all()).verified
    assert len(there.ranges(parts[0].name)) == 1


def test_an_architecture_that_does_not_run_here_is_refused_before_the_bulk_is_fetched(there, large, tmp_path):
    foreign = bytearray(large.read_bytes())
    start = foreign.index(b"qwen2")
    foreign[start : start + 5] = b"qwan9"
    there.add_repo(REPO, {LARGE: bytes(foreign)})
    there.fail("cdn", paused(4_000_000))
    fetch = Fetch(there, tmp_path)
    fails(fetch, InvalidInput, "unsupported_architecture")
    assert fetch.names == []
    assert there.ranges(LARGE)[0][1] <= 4_000_000


def test_a_damaged_model_is_refused_before_the_bulk_is_fetched(there, large, tmp_path):
    hostile = bytearray(large.read_bytes())
    at = hostile.index(b"qwen2.block_count") + len(b"qwen2.block_count") + 4
    hostile[at : at + 4] = (100_000).to_bytes(4, "little")
    there.add_repo(REPO, {LARGE: bytes(hostile)})
    there.fail("cdn", paused(4_000_000))
    fetch = Fetch(there, tmp_path)
    fails(fetch, InvalidInput, "damaged_file")
    assert fetch.names == []


# ---- the access token (SEC-26)


def test_the_token_goes_to_the_hub_and_never_to_where_it_redirects(there, large, tmp_path):
    there.add_repo("me/private", {LARGE: large}, token="hf_right")
    there.fail("cdn", cut(3_000_000), times=1)
    fetch = Fetch(there, tmp_path, repo="me/private", token="hf_right")
    assert finished(fetch.all()).verified
    asked = there.seen()
    assert {r.headers["Authorization"] for r in asked if r.server == "hub"} == {"Bearer hf_right"}
    assert {r.headers["Authorization"] for r in asked if r.server == "cdn"} == {None}
    assert len([r for r in asked if r.server == "cdn"]) == 2


def test_every_connection_of_a_download_is_on_record(there, fetch):
    fetch.all()
    purposes = {connection.purpose for connection in fetch.network.connections()}
    assert purposes == {"model listing", "model download"}
    assert not any("Signature" in str(connection) for connection in fetch.network.connections())
