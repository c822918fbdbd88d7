"""Several sources in turn: the next one goes on with the bytes that are there, and the first one's sha256 decides."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backends.core.errors import DownloadError, InvalidInput, NotFound, Unavailable
from backends.models import partial
from backends.models.download import DownloadNotice, DownloadSource, DownloadWaiting, pending
from tests.kit.faults import Fault, cut, refused, web_page
from tests.kit.fetch import QUICK, REPO, Fetch, finished, only
from tests.kit.hub import HubServer
from tests.kit.modelscope import ModelScopeServer

LARGE = "large-Q8_0.gguf"


@pytest.fixture
def scope() -> Iterator[ModelScopeServer]:
    with ModelScopeServer() as server:
        yield server


@pytest.fixture
def fetch(there: HubServer, mirror: HubServer, large: Path, tmp_path: Path) -> Fetch:
    """From a hub, then from its mirror."""
    there.add_repo(REPO, {LARGE: large})
    mirror.add_repo(REPO, {LARGE: large})
    return Fetch(there, tmp_path, others=[mirror.endpoint])


FAULTS = {
    "401": refused(401),
    "403": refused(403),
    "404": refused(404, "EntryNotFound"),
    "500": refused(500),
    "429 for an hour": refused(429, Retry_After="3000"),
    "web page": web_page(),
    "cut": cut(0),
}


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        *((place, fault) for place in ("get", "cdn") for fault in FAULTS.values()),
        ("cdn", Fault(claimed_size=5_000_000)),
    ],
    ids=[*(f"{place} {name}" for place in ("hub", "cdn") for name in FAULTS), "wrong size"],
)
def test_a_source_that_fails_for_good_makes_way_for_the_next_which_goes_on_with_what_is_there(
    there, mirror, large, fetch, place, fault
):
    there.fail("cdn", cut(3_000_000), times=1)
    fetch.until_cut()
    there.fail(place, fault)
    events = fetch.all()
    assert finished(events).verified
    (change,) = only(events, DownloadSource)
    assert change.host == mirror.endpoint.partition("//")[2]
    assert change.reason.zh
    assert mirror.ranges(LARGE) == [(3_000_000, large.stat().st_size)]
    assert fetch.target.read_bytes() == large.read_bytes()


def test_a_hub_that_cannot_even_be_asked_makes_way_too(there, mirror, fetch):
    there.fail("head", refused(503))
    events = fetch.all()
    assert finished(events).verified
    assert only(events, DownloadSource)[0].host == mirror.endpoint.partition("//")[2]
    assert there.ranges(LARGE) == []


def test_from_a_mirror_to_modelscope(there, scope, large, tmp_path):
    there.add_repo(REPO, {LARGE: large})
    scope.add_repo(REPO, {LARGE: large})
    fetch = Fetch(there, tmp_path, others=[scope.address])
    there.fail("cdn", cut(2_000_000), times=1)
    there.fail("cdn", refused(404))
    events = fetch.all()
    assert finished(events).verified
    assert len(only(events, DownloadSource)) == 1
    assert fetch.target.read_bytes() == large.read_bytes()
    assert [begin for begin, end in scope.ranges(LARGE) if end - begin > 1000] == [2_000_000]


def test_modelscope_that_answers_a_piece_with_200(there, scope, large, tmp_path):
    there.add_repo(REPO, {LARGE: large})
    scope.add_repo(REPO, {LARGE: large})
    scope.partial = 200
    there.fail("cdn", cut(2_000_000), times=1)
    there.fail("cdn", refused(404))
    assert finished(Fetch(there, tmp_path, others=[scope.address]).all()).verified


def test_when_all_have_failed_what_came_is_kept_and_the_last_reason_told(there, mirror, fetch):
    there.fail("cdn", cut(3_000_000), times=1)
    there.fail("get", refused(404, "EntryNotFound"), spare=1)
    mirror.fail("cdn", cut(2_000_000), times=1)
    mirror.fail("get", refused(403), spare=1)
    with pytest.raises(DownloadError) as error:
        fetch.all()
    assert error.value.code == "forbidden"
    assert "kept" in error.value.hint.en
    assert pending(fetch.models)[0].done == 5_000_000


def test_a_mirror_with_other_bytes_of_another_sum_is_not_asked_for_them(there, mirror, fetch, large):
    other = bytearray(large.read_bytes())
    other[-1] ^= 1
    mirror.add_repo(REPO, {LARGE: bytes(other)})
    there.fail("cdn", cut(3_000_000), times=1)
    there.fail("get", refused(404, "EntryNotFound"), spare=1)
    with pytest.raises(DownloadError, match="other bytes") as error:
        fetch.all()
    assert error.value.code == "other_bytes"
    assert mirror.ranges(LARGE) == []
    assert pending(fetch.models)[0].done == 3_000_000
    there.heal()
    assert finished(fetch.all()).verified


def test_a_mirror_that_serves_other_bytes_than_it_says_is_found_out_and_its_blocks_replaced(
    there, mirror, fetch, large
):
    lie = bytearray(large.read_bytes())
    lie[5_000_000] ^= 1
    there.fail("cdn", cut(3_500_000), times=1)
    there.fail("get", refused(404, "EntryNotFound"), times=1, spare=1)
    mirror.fail("cdn", Fault(instead=bytes(lie)))
    events = fetch.all()
    assert finished(events).verified
    assert "compared" in only(events, DownloadNotice)[0].message.en
    assert fetch.target.read_bytes() == large.read_bytes()
    assert there.ranges(LARGE)[-1] == (3 << 20, large.stat().st_size)  # the blocks that the mirror had a part in


def test_a_hub_that_serves_other_bytes_is_corrected_by_the_mirror(there, mirror, fetch, large):
    lie = bytearray(large.read_bytes())
    lie[5_000_000] ^= 1
    there.fail("cdn", Fault(instead=bytes(lie)))
    assert finished(fetch.all()).verified
    assert fetch.target.read_bytes() == large.read_bytes()


def test_when_all_serve_other_bytes_nothing_is_left_and_all_are_named(there, mirror, fetch, large):
    lie = bytearray(large.read_bytes())
    lie[5_000_000] ^= 1
    for server in (there, mirror):
        server.fail("cdn", Fault(instead=bytes(lie)))
    with pytest.raises(DownloadError) as error:
        fetch.all()
    assert error.value.code == "checksum_mismatch"
    assert all(server.endpoint.partition("//")[2] in error.value.message.en for server in (there, mirror))
    assert fetch.names == []


def test_a_web_page_that_calls_itself_the_model_makes_way_for_the_next_source(there, mirror, fetch, large):
    page = b"<!DOCTYPE html><html>" + b" " * (large.stat().st_size - 21)
    there.fail("cdn", Fault(instead=page))
    assert finished(fetch.all()).verified
    assert mirror.ranges(LARGE) == [(0, large.stat().st_size)]


def test_the_sum_comes_from_the_first_source_that_publishes_one(there, mirror, large, tmp_path):
    there.add_repo(REPO, {LARGE: large}, plain=[LARGE])
    mirror.add_repo(REPO, {LARGE: large})
    fetch = Fetch(there, tmp_path, others=[mirror.endpoint])
    assert finished(fetch.all()).verified
    receipt = partial.read_record(fetch.target, partial.RECEIPT)
    assert receipt is not None
    assert receipt.sha256


def test_the_sum_comes_from_the_catalogue_where_nobody_publishes_one(there, large, tmp_path):
    there.add_repo(REPO, {LARGE: large}, plain=[LARGE])
    fetch = Fetch(there, tmp_path)
    fetch.file = replace(fetch.file, sha256="0" * 64)
    with pytest.raises(DownloadError) as error:
        fetch.all()
    assert error.value.code == "checksum_mismatch"


def test_without_any_sum_the_bytes_of_two_sources_do_not_meet(there, mirror, large, tmp_path):
    for server in (there, mirror):
        server.add_repo(REPO, {LARGE: large}, plain=[LARGE])
    fetch = Fetch(there, tmp_path, others=[mirror.endpoint])
    there.fail("get", cut(3_000_000), times=1)
    there.fail("get", refused(404, "EntryNotFound"))
    with pytest.raises(NotFound):
        fetch.all()
    assert mirror.ranges(LARGE) == []
    assert pending(tmp_path)[0].done == 3_000_000


def test_what_was_begun_at_the_hub_is_not_given_up_because_a_mirror_is_behind(there, mirror, fetch, tiny):
    there.fail("cdn", cut(3_000_000), times=1)
    fetch.until_cut()
    mirror.add_repo(REPO, {LARGE: tiny})
    there.fail("head", refused(503))
    with pytest.raises(Unavailable):
        fetch.all()
    assert pending(fetch.models)[0].done == 3_000_000
    there.heal()
    assert finished(fetch.all()).verified


def test_a_source_with_patience_is_waited_for_only_while_there_is_no_other(there, mirror, fetch):
    fetch.patience = replace(QUICK, attempts=50, begun=50, elsewhere=2)
    there.fail("cdn", cut(0))
    events = fetch.all()
    assert finished(events).verified
    assert len(only(events, DownloadWaiting)) == 1


def test_an_architecture_that_does_not_run_here_is_not_asked_for_elsewhere(there, mirror, fetch, large):
    foreign = bytearray(large.read_bytes())
    start = foreign.index(b"qwen2")
    foreign[start : start + 5] = b"qwan9"
    there.fail("cdn", Fault(instead=bytes(foreign)))
    with pytest.raises(InvalidInput) as error:
        fetch.all()
    assert error.value.code == "unsupported_architecture"
    assert mirror.ranges(LARGE) == []


def test_a_redirect_to_a_private_address_is_refused_and_the_next_source_taken(there, mirror, fetch):
    there.fail("get", Fault(status=302, headers={"Location": "https://10.0.0.1/model"}))
    events = fetch.all()
    assert finished(events).verified
    assert "10.0.0.1" in only(events, DownloadSource)[0].reason.en


def test_the_token_of_the_hub_never_reaches_the_mirror(there, mirror, large, tmp_path):
    there.add_repo("me/private", {LARGE: large}, token="hf_right")
    mirror.add_repo("me/private", {LARGE: large})
    there.fail("cdn", refused(404))
    fetch = Fetch(there, tmp_path, repo="me/private", token="hf_right", others=[mirror.endpoint])
    assert finished(fetch.all()).verified
    assert {request.headers["Authorization"] for request in mirror.seen()} == {None}
