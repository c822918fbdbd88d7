"""A model may be used before the disk has written it all; if the power goes meanwhile, it is looked through."""

from dataclasses import replace
from pathlib import Path

import pytest

from backends.models import partial, settling
from backends.models.boot import still_runs, this_boot
from backends.models.download import DownloadFinished, pending
from tests.kit.fetch import REPO, Fetch, finished

LARGE = "large-Q8_0.gguf"
MB = 1 << 20


def receipt_of(target: Path) -> partial.Record:
    receipt = partial.read_record(target, partial.RECEIPT)
    assert receipt is not None
    return receipt


@pytest.fixture
def unsettled(there, large, tmp_path) -> Fetch:
    """A model that was told to be finished, and whose machine ended then."""
    there.add_repo(REPO, {LARGE: large})
    fetch = Fetch(there, tmp_path)
    finished(fetch.all())
    receipt = receipt_of(fetch.target)
    partial.write_record(fetch.target, replace(receipt, boot=this_boot() - 100_000), partial.RECEIPT)
    return fetch


def test_the_receipt_says_so_until_the_bytes_are_flushed(there, large, tmp_path):
    there.add_repo(REPO, {LARGE: large})
    fetch = Fetch(there, tmp_path)
    for event in fetch.events():
        if isinstance(event, DownloadFinished):
            assert still_runs(receipt_of(fetch.target).boot)
            assert receipt_of(fetch.target).boot
            assert event.path.read_bytes() == large.read_bytes()
    assert receipt_of(fetch.target).boot == 0


def test_in_the_same_run_of_the_machine_it_stays_a_model(unsettled):
    receipt = receipt_of(unsettled.target)
    partial.write_record(unsettled.target, replace(receipt, boot=this_boot() + 2), partial.RECEIPT)
    settling.take_back_unsettled(unsettled.models)
    assert unsettled.target.exists()
    settling.settle(unsettled.models, unsettled.target)
    assert receipt_of(unsettled.target).boot == 0


def test_after_another_start_it_is_looked_through_and_nothing_is_fetched(there, large, unsettled):
    settling.take_back_unsettled(unsettled.models)
    assert not unsettled.target.exists()
    (waiting,) = pending(unsettled.models)
    assert waiting.done == waiting.total
    before = len(there.ranges(LARGE))
    assert finished(unsettled.all()).verified
    assert len(there.ranges(LARGE)) == before
    assert receipt_of(unsettled.target).boot == 0


def test_what_the_disk_does_not_have_is_fetched_again(there, large, unsettled):
    with unsettled.target.open("r+b") as file:
        file.seek(7 * MB)
        file.write(b"\xff" * MB)
    settling.take_back_unsettled(unsettled.models)
    assert finished(unsettled.all()).verified
    assert there.ranges(LARGE)[-1] == (7 * MB, 8 * MB)
    assert unsettled.target.read_bytes() == large.read_bytes()
