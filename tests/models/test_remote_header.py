"""Headers of models that are still on a hub: read by Range from a real one, and not a byte more than they are."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, Cancelled
from backends.core.network import Network
from backends.models import gguf, sparse, walk
from backends.models.header_cache import HeaderCache
from backends.models.remote_header import RemoteHeader, fetch, fetch_link
from backends.models.sources import choose, open_source
from tests.kit.faults import IGNORES_RANGE, Fault, cut, paused, refused, web_page
from tests.kit.hub import HubServer
from tests.kit.real_models import REAL
from tests.kit.shapes import shaped_model
from tests.kit.split import split_gguf

REPO = "org/Big-GGUF"
MIB = 1 << 20


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some 80 MB, of which 5 MB are a header with a whole vocabulary; the rest is a hole."""
    narrow = replace(REAL["r1-distill-qwen-1.5b"], layers=4, width=256, heads=2, kv_heads=1, ff=512)
    return shaped_model(tmp_path_factory.mktemp("big") / "big-Q4_K_M.gguf", narrow)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory, big: Path) -> list[Path]:
    """A model of some 8 MB in three files."""
    small = REAL["r1-distill-qwen-1.5b"].small(layers=2)
    folder = tmp_path_factory.mktemp("shards")
    whole = shaped_model(folder / "whole.gguf", small, weights="noise")
    return split_gguf(whole, folder, "big-Q8_0", 12)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "headers"


def publish(hub: HubServer, *paths: Path, folder: str = "") -> None:
    hub.add_repo(REPO, {folder + path.name: path for path in paths})


def ask(
    hub: HubServer, network: Network, cache: Path, quant: str = "", cancel: CancelToken | None = None
) -> RemoteHeader:
    source = open_source(network, hub.endpoint)
    file = choose(source.files(REPO), quant, REPO)
    return fetch(network, source, REPO, file, cache, cancel=cancel or CancelToken())


def served(hub: HubServer) -> int:
    """Bytes of files that went out."""
    return sum(request.sent for request in hub.seen("cdn", "GET"))


def header_bytes(path: Path) -> int:
    return gguf.read_header(path).container.data_start


# ---- what comes


def test_only_the_header_comes_and_llama_cpp_can_read_it(
    there: HubServer, network: Network, big: Path, cache: Path
) -> None:
    publish(there, big)
    found = ask(there, network, cache)
    assert found.header.shape == gguf.check(big).shape
    assert found.header.tensors == gguf.check(big).tensors
    assert header_bytes(big) <= found.fetched < 1.3 * header_bytes(big)
    assert served(there) <= 16 * MIB  # what was under way when the connection was cut goes no further than the range
    (request,) = there.seen("cdn", "GET")
    assert request.headers["Range"] == f"bytes=0-{16 * MIB - 1}"
    assert found.path is not None
    assert found.path.name == big.name
    assert found.path.stat().st_size == big.stat().st_size
    assert found.path.stat().st_blocks * 512 < 1.1 * header_bytes(big)
    assert found.path.read_bytes()[: header_bytes(big)] == big.read_bytes()[: header_bytes(big)]


def test_a_second_plan_fetches_nothing(there: HubServer, network: Network, big: Path, cache: Path) -> None:
    publish(there, big)
    first = ask(there, network, cache)
    there.requests.clear()
    second = ask(there, network, cache)
    assert (second.fetched, second.path, second.header) == (0, first.path, first.header)
    assert not there.seen("cdn")
    assert not there.seen("hub", path="resolve")


def test_a_hub_without_sha256_is_asked_for_the_etag_and_no_more(
    there: HubServer, network: Network, big: Path, cache: Path, tmp_path: Path
) -> None:
    small = shaped_model(tmp_path / "small-Q8_0.gguf", REAL["r1-distill-qwen-1.5b"].small(layers=1), weights="holes")
    there.add_repo(REPO, {small.name: small}, plain=[small.name])
    assert ask(there, network, cache).fetched > 0
    there.requests.clear()
    assert ask(there, network, cache).fetched == 0
    assert not [request for request in there.seen(method="GET", path="resolve") if request.sent]


def test_the_parts_of_a_split_come_as_headers_side_by_side(
    there: HubServer, network: Network, shards: list[Path], cache: Path
) -> None:
    assert len(shards) >= 3
    publish(there, *shards, folder="Q8_0/")
    found = ask(there, network, cache)
    assert found.header.tensors == gguf.check(shards[0]).tensors
    assert found.path is not None
    assert sorted(path.name for path in found.path.parent.glob("*.gguf")) == [path.name for path in shards]
    assert gguf.check(found.path) == gguf.check(shards[0])
    assert gguf.check(found.path).container.size == sum(path.stat().st_size for path in shards)
    assert ask(there, network, cache).fetched == 0


def test_new_bytes_under_the_old_name_are_fetched(
    there: HubServer, network: Network, big: Path, cache: Path, tmp_path: Path
) -> None:
    publish(there, big)
    ask(there, network, cache)
    other = shaped_model(tmp_path / big.name, REAL["r1-distill-qwen-1.5b"].small(layers=2))
    publish(there, other)
    assert ask(there, network, cache).header.shape.layers == 2


# ---- hubs that behave badly


def test_a_hub_that_ignores_the_range_is_cut_off(there: HubServer, network: Network, big: Path, cache: Path) -> None:
    publish(there, big)
    there.fail("cdn", IGNORES_RANGE)
    found = ask(there, network, cache)
    assert found.header.tensors == gguf.check(big).tensors
    assert found.fetched < 1.3 * header_bytes(big)
    assert served(there) < 24 * MIB  # and not all of it: what fits into the buffers of a connection


@pytest.mark.parametrize("place", [1000, 100_000, 3 * MIB])
def test_a_connection_that_breaks_is_made_again_where_it_broke(
    there: HubServer, network: Network, big: Path, cache: Path, place: int
) -> None:
    publish(there, big)
    there.fail("cdn", cut(place), times=2)
    assert ask(there, network, cache).header.tensors == gguf.check(big).tensors
    starts = [request.start for request in there.seen("cdn", "GET")]
    assert len(starts) == 3
    assert starts == sorted(set(starts))


def lying(size: int) -> Fault:
    return Fault(claimed_size=size)


@pytest.mark.parametrize(
    ("place", "fault", "code"),
    [
        ("cdn", web_page(), "not_a_hub"),
        ("cdn", Fault(instead=b"\x89PNG" + bytes(5 * MIB)), "size_mismatch"),
        ("cdn", lying(7_000_000), "size_mismatch"),
        ("cdn", refused(403), "link_expired"),
        ("cdn", refused(503), "hub_unavailable"),
        ("cdn", cut(0), "connection_lost"),
        ("head", refused(404, "EntryNotFound"), "file_not_found"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(
    there: HubServer, network: Network, big: Path, cache: Path, place: str, fault: Fault, code: str, tmp_path: Path
) -> None:
    publish(there, big)
    there.fail(place, fault)  # type: ignore[arg-type]
    if place == "head":
        there.bare_listing = True
    with pytest.raises(BackendError) as caught:
        ask(there, network, cache)
    assert caught.value.code == code
    assert caught.value.message.zh
    assert not list(cache.glob("*"))


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda head: b"PK\3\4" + head[4:], "not_gguf"),
        (lambda head: b"<!DOCTYPE html>" + head[15:], "not_gguf"),
        (lambda head: head[:8] + b"\xff" * 8 + head[16:], "damaged_file"),
        (lambda head: head[:1000], "truncated_file"),
    ],
)
def test_garbage_is_refused_after_a_few_bytes(
    there: HubServer,
    network: Network,
    big: Path,
    cache: Path,
    tmp_path: Path,
    damage: Callable[[bytes], bytes],
    code: str,
) -> None:
    bad = tmp_path / big.name
    with big.open("rb") as file:
        head = damage(file.read(header_bytes(big)))
    bad.write_bytes(head)
    if len(head) > 1000:
        os.truncate(bad, 200 * MIB)
    publish(there, bad)
    with pytest.raises(BackendError) as caught:
        ask(there, network, cache)
    assert caught.value.code == code
    assert served(there) <= 16 * MIB
    assert not list(cache.glob("*"))


def test_a_cancel_ends_it(there: HubServer, network: Network, big: Path, cache: Path) -> None:
    publish(there, big)
    there.fail("cdn", paused(500_000))
    cancel = CancelToken()
    there.when_paused(cancel.cancel)
    with pytest.raises(Cancelled):
        ask(there, network, cache, cancel=cancel)
    there.release()
    assert not list(cache.glob("*"))


# ---- any address


def test_the_header_at_any_address(there: HubServer, network: Network, big: Path, cache: Path) -> None:
    publish(there, big)
    link = f"{there.endpoint}/{REPO}/resolve/main/{big.name}?download=true"
    found = fetch_link(network, link, cache, cancel=CancelToken())
    assert found.header.tensors == gguf.check(big).tensors
    assert found.path is not None
    there.requests.clear()
    assert fetch_link(network, link, cache, cancel=CancelToken()).fetched == 0
    assert served(there) == 1  # whether it is still the same


def test_the_parts_of_a_split_at_any_address(
    there: HubServer, network: Network, shards: list[Path], cache: Path
) -> None:
    publish(there, *shards)
    link = f"{there.endpoint}/{REPO}/resolve/main/{shards[0].name}"
    assert fetch_link(network, link, cache, cancel=CancelToken()).header.tensors == gguf.check(shards[0]).tensors
    with pytest.raises(BackendError) as caught:
        fetch_link(network, link.replace("00001-of", "00002-of"), cache, cancel=CancelToken())
    assert caught.value.code == "not_first_part"


def test_an_address_that_leads_to_nothing(there: HubServer, network: Network, cache: Path) -> None:
    with pytest.raises(BackendError) as caught:
        fetch_link(network, f"{there.endpoint}/a/b/resolve/main/none.gguf", cache, cancel=CancelToken())
    assert caught.value.code in ("file_not_found", "link_refused")


def test_a_private_address_is_one_that_somebody_typed(
    there: HubServer, network: Network, big: Path, cache: Path
) -> None:
    """A server that was typed may not lead into this network: its redirect to another host here is refused."""
    publish(there, big)
    there.fail("cdn", Fault(status=302, headers={"Location": "http://127.0.0.2:9/secret.gguf"}))
    with pytest.raises(BackendError) as caught:
        ask(there, network, cache)
    assert caught.value.code == "redirect_refused"


# ---- the cache


def test_headers_that_were_not_used_for_longest_go(tmp_path: Path) -> None:
    kept = HeaderCache(tmp_path, most_entries=3)
    for number in range(4):
        assert kept.keep([f"file {number}"], [("m.gguf", b"head", 100 * MIB)])
        os.utime(
            next(entry for entry in tmp_path.glob("*/entry.json") if entry.stat().st_mtime > 1000), (number, number)
        )
        if number == 2:
            os.utime(kept.find(["file 0"]).folder / "entry.json", (100, 100))  # type: ignore[union-attr]
    assert kept.find(["file 0"])
    assert not kept.find(["file 1"])
    assert kept.find(["file 3"])


def test_headers_take_so_much_and_no_more(tmp_path: Path) -> None:
    kept = HeaderCache(tmp_path, most_bytes=3000)
    for number in range(5):
        assert kept.keep([f"file {number}"], [("m.gguf", bytes(1000), 100 * MIB)])
    assert len(list(tmp_path.glob("*"))) == 3
    assert kept.keep(["large"], [("m.gguf", bytes(5000), 100 * MIB)])
    assert kept.find(["large"])


def test_who_looks_for_models_takes_no_header_for_one(
    there: HubServer, network: Network, big: Path, tmp_path: Path
) -> None:
    publish(there, big)
    ask(there, network, tmp_path / "home" / "cache" / "headers")
    assert list(tmp_path.rglob("*.gguf"))
    for folder in ("home", "home/cache/headers"):
        assert not list(walk.models(tmp_path / folder, 9, walk.Budget()))


def test_what_killed_processes_left_goes(tmp_path: Path) -> None:
    left, new = tmp_path / ".new-left", tmp_path / ".new-begun"
    left.mkdir()
    new.mkdir()
    os.utime(left, (1000, 1000))
    assert HeaderCache(tmp_path).keep(["file"], [("m.gguf", b"head", 1000)])
    assert (left.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize("harm", ["entry.json", "m.gguf"])
def test_an_entry_that_is_not_whole_is_none(tmp_path: Path, harm: str) -> None:
    kept = HeaderCache(tmp_path)
    entry = kept.keep(["file"], [("m.gguf", b"head", 1000)])
    assert entry
    (entry.folder / harm).write_bytes(b"{")
    assert kept.find(["file"]) is None
    assert kept.keep(["file"], [("m.gguf", b"head", 1000)])
    assert kept.find(["file"])


def test_a_cache_that_cannot_be_written_is_no_cache(
    there: HubServer, network: Network, big: Path, tmp_path: Path
) -> None:
    publish(there, big)
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    found = ask(there, network, blocked / "headers")
    assert found.path is None
    assert found.header.tensors == gguf.check(big).tensors


def test_a_volume_without_holes_keeps_the_headers_alone(
    there: HubServer, network: Network, big: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file would take a gigabyte; the formulas do without it."""
    monkeypatch.setattr(sparse, "has_holes", lambda _: False)
    publish(there, big)
    first = ask(there, network, cache)
    assert first.path is None
    assert sum(path.stat().st_size for path in cache.rglob("*.gguf")) == header_bytes(big)
    again = ask(there, network, cache)
    assert (again.fetched, again.path, again.header) == (0, None, first.header)


def test_a_hole_is_no_larger_than_it_is(tmp_path: Path) -> None:
    assert sparse.has_holes(tmp_path)
    assert not sparse.has_holes(tmp_path / "not there")
    sparse.write(tmp_path / "m", b"head", 1 << 40)
    assert (tmp_path / "m").stat().st_size == 1 << 40
    assert (tmp_path / "m").stat().st_blocks * 512 < MIB
    assert not list(tmp_path.glob(".holes-*"))
