"""A model that was damaged on the disk is mended where it is damaged."""

import random
import shutil

import pytest

from backends.core.errors import DownloadError, NotFound, Unavailable
from backends.models import partial
from backends.models.blocks import block_size
from backends.models.download import DownloadNotice, DownloadVerifying, discard, pending
from tests.kit.faults import Fault, cut, refused
from tests.kit.fetch import REPO, Fetch, finished, only

LARGE = "large-Q8_0.gguf"
MB = 1 << 20


@pytest.fixture
def fetch(there, large, tmp_path) -> Fetch:
    """A model that is here, and was right."""
    there.add_repo(REPO, {LARGE: large})
    fetch = Fetch(there, tmp_path)
    finished(fetch.all())
    return fetch


def damage(fetch: Fetch, *places: int, content: bytes = b"\xff" * 100) -> None:
    with fetch.target.open("r+b") as file:
        for place in places:
            file.seek(place)
            file.write(content)


def test_only_the_damaged_blocks_are_fetched(there, large, fetch):
    damage(fetch, 1_500_000, 6_400_000)
    events = fetch.repair()
    assert finished(events).verified
    assert fetch.target.read_bytes() == large.read_bytes()
    assert there.ranges(LARGE)[1:] == [(1 * MB, 2 * MB), (6 * MB, 7 * MB)]
    assert only(events, DownloadVerifying)[-1].fraction == 1
    assert fetch.names == [LARGE, f"{LARGE}.json"]
    receipt = partial.read_record(fetch.target, partial.RECEIPT)
    assert receipt is not None
    assert receipt.verified


@pytest.mark.parametrize("seed", range(4))
def test_any_damage_is_mended_at_the_cost_of_its_blocks(there, large, fetch, seed):
    chance = random.Random(seed)
    places = [chance.randrange(large.stat().st_size - 100) for _ in range(chance.randint(1, 6))]
    damage(fetch, *places, content=chance.randbytes(100))
    blocks = {at // MB for place in places for at in (place, place + 99)}
    assert finished(fetch.repair()).verified
    assert fetch.target.read_bytes() == large.read_bytes()
    assert sum(end - begin for begin, end in there.ranges(LARGE)[1:]) <= len(blocks) * block_size(large.stat().st_size)


def test_a_file_that_was_cut_short_gets_its_end_back(there, large, fetch):
    with fetch.target.open("r+b") as file:
        file.truncate(7_500_000)
    assert finished(fetch.repair()).verified
    assert there.ranges(LARGE)[-1] == (7 * MB, large.stat().st_size)


def test_a_file_that_is_gone_is_fetched(there, large, fetch):
    fetch.target.unlink()
    assert finished(fetch.repair()).verified
    assert there.ranges(LARGE)[-1] == (0, large.stat().st_size)


def test_what_is_right_is_only_looked_at(there, fetch):
    assert finished(fetch.repair()).verified
    assert len(there.ranges(LARGE)) == 1
    assert fetch.names == [LARGE, f"{LARGE}.json"]


def test_a_receipt_of_the_former_kind_is_mended_by_comparison(there, large, fetch):
    """It has no sums of blocks: the whole is read from the hub, and what differs is replaced."""
    receipt = fetch.target.with_name(f"{LARGE}.json")
    text = receipt.read_text()
    record = partial.read_record(fetch.target, partial.RECEIPT)
    assert record is not None
    receipt.write_text(text.replace(record.parts[0].blocks, ""))
    damage(fetch, 3_000_000)
    events = fetch.repair()
    assert finished(events).verified
    assert fetch.target.read_bytes() == large.read_bytes()
    assert "compared" in only(events, DownloadNotice)[0].message.en


def test_a_split_is_mended_in_the_part_that_is_damaged(there, parts, tmp_path):
    there.add_repo(REPO, {part.name: part for part in parts})
    fetch = Fetch(there, tmp_path)
    fetch.all()
    damaged = fetch.target.with_name(parts[1].name)
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-50] + b"\0" * 50)
    before = len(there.ranges(""))
    assert finished(fetch.repair()).verified
    assert damaged.read_bytes() == content
    assert [end - begin for begin, end in there.ranges(parts[1].name)][1:] == [len(content)]
    assert len(there.ranges("")) == before + 1


def test_an_interrupted_repair_is_a_download_that_waits(there, large, fetch):
    damage(fetch, 1_500_000, 6_400_000)
    there.fail("cdn", cut(100_000), times=1)
    there.fail("cdn", refused(404))
    with pytest.raises(DownloadError):
        fetch.repair()
    (waiting,) = pending(fetch.models)
    assert waiting.done == large.stat().st_size - 2 * MB + 100_000
    there.heal()
    assert finished(fetch.all()).verified
    assert fetch.target.read_bytes() == large.read_bytes()


def test_without_a_hub_the_damaged_model_stays_as_it_is(there, fetch):
    damage(fetch, 1_500_000)
    there.fail("head", refused(503))
    with pytest.raises(Unavailable):
        fetch.repair()
    assert fetch.names == [LARGE, f"{LARGE}.json"]


def test_a_newer_version_on_the_hub_does_not_disturb_the_repair_of_the_old_one(there, large, tiny, fetch):
    damage(fetch, 1_500_000)
    there.add_repo(REPO, {LARGE: tiny})
    assert finished(fetch.repair()).verified
    assert fetch.target.read_bytes() == large.read_bytes()


def test_the_mirror_helps_where_the_hub_does_not(there, mirror, large, fetch):
    damage(fetch, 1_500_000)
    mirror.add_repo(REPO, {LARGE: large})
    helped = Fetch(there, fetch.models, others=[mirror.endpoint])
    there.fail("cdn", refused(404))
    assert finished(helped.repair()).verified
    assert mirror.ranges(LARGE) == [(1 * MB, 2 * MB)]


def test_a_mirror_of_other_bytes_does_not_mend(there, large, fetch):
    damage(fetch, 1_500_000)
    lie = bytearray(large.read_bytes())
    lie[1_600_000] ^= 1
    there.fail("cdn", Fault(instead=bytes(lie)))
    with pytest.raises(DownloadError) as error:
        fetch.repair()
    assert error.value.code == "checksum_mismatch"


def test_a_file_of_the_persons_own_cannot_be_mended(fetch, large):
    own = fetch.target.with_name("own.gguf")
    shutil.copy(large, own)
    fetch.file = fetch.file.__class__("", "own.gguf", 1)
    with pytest.raises(NotFound) as error:
        fetch.repair()
    assert error.value.code == "no_receipt"
    assert own.exists()


def test_a_repair_can_be_given_up(there, fetch):
    damage(fetch, 1_500_000)
    there.fail("cdn", refused(404))
    with pytest.raises(DownloadError):
        fetch.repair()
    discard(fetch.models, pending(fetch.models)[0].path)
    assert fetch.names == []
