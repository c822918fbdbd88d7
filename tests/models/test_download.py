"""A model comes in: whole or not at all, paused, killed, resumed."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, InvalidInput, Unavailable
from backends.core.stream import Runner
from backends.models import gguf, partial
from backends.models.download import DownloadNotice, DownloadProgress, DownloadVerifying, discard, pending
from backends.models.progress import Meter
from tests.kit.faults import cut, paused
from tests.kit.fetch import REPO, Fetch, finished, only

ROOT = Path(__file__).parents[2]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# ---- the plain way


def test_a_model_arrives_verified_with_a_receipt_and_nothing_else(there, tiny, tmp_path):
    there.add_repo(REPO, {"tiny-Q4_K_M.gguf": tiny})
    fetch = Fetch(there, tmp_path)
    events = fetch.all()
    end = finished(events)
    assert (end.path, end.verified) == (fetch.target, True)
    assert end.path.read_bytes() == tiny.read_bytes()
    assert fetch.names == ["tiny-Q4_K_M.gguf", "tiny-Q4_K_M.gguf.json"]
    receipt = partial.read_record(end.path, partial.RECEIPT)
    assert receipt is not None
    assert (receipt.repo, receipt.quant, receipt.sha256, receipt.verified) == (REPO, "Q4_K_M", sha256(tiny), True)
    first, *_, last = only(events, DownloadProgress)
    assert (first.done, first.total, first.file) == (0, tiny.stat().st_size, "tiny-Q4_K_M.gguf")
    assert last.done == last.total
    assert pending(tmp_path) == []


def test_what_is_here_already_is_not_fetched_again(there, tiny, tmp_path):
    there.add_repo(REPO, {"tiny-Q4_K_M.gguf": tiny})
    fetch = Fetch(there, tmp_path)
    fetch.all()
    before = len(there.ranges("tiny"))
    assert finished(fetch.all()).verified
    assert len(there.ranges("tiny")) == before


def test_a_file_that_somebody_put_there_is_proven_instead_of_fetched(there, tiny, tmp_path):
    there.add_repo(REPO, {"tiny-Q4_K_M.gguf": tiny})
    fetch = Fetch(there, tmp_path)
    fetch.target.parent.mkdir()
    fetch.target.write_bytes(tiny.read_bytes())
    events = fetch.all()
    assert finished(events).verified
    assert only(events, DownloadVerifying)[-1].fraction == 1
    assert there.ranges("tiny") == []
    assert fetch.names == ["tiny-Q4_K_M.gguf", "tiny-Q4_K_M.gguf.json"]


def test_a_newer_version_on_the_hub_comes_to_lie_beside_the_old_one(there, tiny, large, tmp_path):
    there.add_repo(REPO, {"tiny-Q4_K_M.gguf": tiny})
    old = finished(Fetch(there, tmp_path).all()).path
    there.add_repo(REPO, {"tiny-Q4_K_M.gguf": large})
    fetch = Fetch(there, tmp_path)
    there.fail("cdn", cut(3_000_000), times=1)
    fetch.until_cut()
    (begun,) = partial.pending(tmp_path)
    assert begun.path.parent.parent == old.parent
    new = finished(fetch.all()).path
    assert (new, sha256(new), sha256(old)) == (begun.path, sha256(large), sha256(tiny))
    receipt = partial.read_record(new, partial.RECEIPT)
    assert receipt is not None
    assert new.parent.name == receipt.version == partial.version_of(receipt.commit)
    assert finished(fetch.all()).path == new  # it is here
    assert partial.pending(tmp_path) == []


def test_of_a_version_that_is_replaced_while_it_comes_in_nothing_is_left(there, tiny, large, tmp_path):
    there.add_repo(REPO, {"tiny-Q4_K_M.gguf": tiny})
    Fetch(there, tmp_path).all()
    there.add_repo(REPO, {"tiny-Q4_K_M.gguf": large})
    there.fail("cdn", cut(3_000_000), times=1)
    Fetch(there, tmp_path).until_cut()
    third = tmp_path / "third.gguf"
    third.write_bytes(tiny.read_bytes()[:-1] + b"!")
    there.add_repo(REPO, {"tiny-Q4_K_M.gguf": third})
    fetch = Fetch(there, tmp_path)
    newest = finished(fetch.all()).path
    assert newest.read_bytes() == third.read_bytes()
    assert partial.pending(tmp_path) == []
    assert [name for name in fetch.names if "." not in name] == [newest.parent.name]


def test_a_file_without_a_hash_on_the_hub_is_taken_by_its_size_and_marked_unverified(there, tiny, tmp_path):
    there.add_repo(REPO, {"tiny-Q4_K_M.gguf": tiny}, plain=["tiny-Q4_K_M.gguf"])
    end = finished(Fetch(there, tmp_path).all())
    assert not end.verified
    assert end.path.read_bytes() == tiny.read_bytes()
    receipt = partial.read_record(end.path, partial.RECEIPT)
    assert receipt is not None
    assert not receipt.verified


def test_files_named_by_their_folder_alone_do_not_meet(there, tiny, large, tmp_path):
    there.add_repo(REPO, {"Q4_K_M/model.gguf": tiny, "Q8_0/model.gguf": large})
    small, big = (finished(Fetch(there, tmp_path, quant).all()).path for quant in ("Q4_K_M", "Q8_0"))
    assert (small.name, big.name) == ("Q4_K_M--model.gguf", "Q8_0--model.gguf")
    assert sha256(small) == sha256(tiny)
    assert sha256(big) == sha256(large)


def test_it_runs_as_a_stream(there, tiny, tmp_path):
    there.add_repo(REPO, {"tiny-Q4_K_M.gguf": tiny})
    fetch = Fetch(there, tmp_path)
    runner = Runner("download")

    def task(*, cancel: CancelToken):
        return fetch.events(cancel)

    assert finished(list(runner.start(task))).path.exists()
    runner.close()


# ---- pause and resume


def test_a_paused_download_shows_how_far_it_is_and_goes_on_from_there(there, large, tmp_path):
    there.add_repo(REPO, {"large-Q8_0.gguf": large})
    size = large.stat().st_size
    there.fail("cdn", cut(3_000_000), times=1)
    fetch = Fetch(there, tmp_path)
    fetch.until_cut()
    (waiting,) = pending(tmp_path)
    assert (waiting.repo, waiting.path, waiting.done, waiting.total) == (REPO, fetch.target, 3_000_000, size)
    assert waiting.file.file == "large-Q8_0.gguf"
    assert not fetch.target.exists()
    events = fetch.all()
    assert finished(events).verified
    assert only(events, DownloadProgress)[0].done == 3_000_000
    assert only(events, DownloadVerifying)[-1].fraction == 1
    assert there.ranges("large") == [(0, 3_000_000), (3_000_000, size)]


def test_pausing_in_the_middle_of_the_stream_ends_at_once_and_keeps_what_came(there, large, tmp_path):
    there.add_repo(REPO, {"large-Q8_0.gguf": large})
    there.fail("cdn", paused(2_000_000), times=1)
    fetch = Fetch(there, tmp_path)
    cancel = CancelToken()
    there.when_paused(cancel.cancel)
    with pytest.raises(Cancelled):
        list(fetch.events(cancel))
    kept = sum(path.stat().st_size for path in tmp_path.rglob("*.part"))
    assert kept <= 2_000_000
    assert finished(fetch.all()).verified
    assert there.ranges("large")[-1] == (kept, large.stat().st_size)


_CHILD = """
import sys
from pathlib import Path
from backends.core.cancel import CancelToken
from backends.core.network import Network, NetworkOptions
from backends.models.download import DownloadWaiting, Patience, download
from backends.models.sources import Hub, choose

endpoint, repo, models = sys.argv[1:]
network = Network(NetworkOptions())
hub = Hub(network, endpoint)
file = choose(hub.files(repo), "", repo)
for event in download(network, hub, repo, file, Path(models), cancel=CancelToken(), patience=Patience(wait=0.01)):
    print(type(event).__name__, flush=True)
"""


def test_killed_with_9_in_the_middle_it_goes_on_from_there(there, large, tmp_path):
    there.add_repo(REPO, {"large-Q8_0.gguf": large})
    there.fail("cdn", cut(3_000_000), times=1)
    there.fail("cdn", paused(1_000_000), times=1)
    command = [sys.executable, "-c", _CHILD, there.endpoint, REPO, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert any("Waiting" in line for line in child.stdout)  # 3 MB are there, and the next connection is opened
        there.wait_paused()
        with pytest.raises(Unavailable) as busy:
            Fetch(there, tmp_path).all()
        child.kill()
    assert child.returncode != 0
    assert busy.value.code == "download_running"
    there.heal()
    (waiting,) = pending(tmp_path)
    assert 3_000_000 <= waiting.done <= 4_000_000
    fetch = Fetch(there, tmp_path)
    assert finished(fetch.all()).verified
    assert there.ranges("large")[-1] == (waiting.done, large.stat().st_size)
    assert sha256(fetch.target) == sha256(large)


def test_cut_short_between_the_last_check_and_the_name_it_is_finished_by_the_next_look(there, tiny, tmp_path):
    there.add_repo(REPO, {"tiny-Q4_K_M.gguf": tiny})
    fetch = Fetch(there, tmp_path)
    fetch.all()
    receipt = partial.read_record(fetch.target, partial.RECEIPT)
    assert receipt is not None
    fetch.target.rename(partial.part_path(fetch.target))  # as it was a moment before
    (fetch.target.parent / "tiny-Q4_K_M.gguf.json").unlink()
    partial.write_record(fetch.target, receipt)
    assert pending(tmp_path) == []
    assert fetch.names == ["tiny-Q4_K_M.gguf", "tiny-Q4_K_M.gguf.json"]


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"parts": []}', '{"parts": [{"file": 1}]}', "null", '{"a":1}'])
def test_a_broken_record_costs_nothing_because_the_hash_proves_the_bytes(there, large, tmp_path, broken):
    there.add_repo(REPO, {"large-Q8_0.gguf": large})
    there.fail("cdn", cut(3_000_000), times=1)
    fetch = Fetch(there, tmp_path)
    fetch.until_cut()
    (fetch.target.parent / "large-Q8_0.gguf.part.json").write_text(broken)
    assert pending(tmp_path) == []
    assert finished(fetch.all()).verified
    assert there.ranges("large")[1][0] == 3_000_000


def test_a_record_from_elsewhere_leads_to_no_other_file(there, large, tmp_path):
    there.add_repo(REPO, {"large-Q8_0.gguf": large})
    there.fail("cdn", cut(3_000_000), times=1)
    fetch = Fetch(there, tmp_path / "models")
    fetch.until_cut()
    record = fetch.target.parent / "large-Q8_0.gguf.part.json"
    victim = tmp_path / "victim.gguf.part"
    victim.write_text("precious")
    for repo, file in (("..", "victim.gguf"), ("unsloth/Tiny-GGUF", "../../victim.gguf"), ("a/b", "x.gguf")):
        data = json.loads(record.read_text())
        data["repo"], data["parts"][0]["file"] = repo, file
        record.write_text(json.dumps(data))
        assert pending(tmp_path / "models") == []
    discard(tmp_path / "models", fetch.target)
    assert victim.read_text() == "precious"
    assert fetch.names == []


# ---- one at a time, and away with it


def test_the_same_file_is_fetched_by_one_only_and_cannot_be_thrown_away_meanwhile(there, large, tmp_path):
    there.add_repo(REPO, {"large-Q8_0.gguf": large})
    fetch = Fetch(there, tmp_path)
    running = fetch.events()
    next(running)
    for act in (fetch.all, lambda: discard(tmp_path, fetch.target)):
        with pytest.raises(Unavailable) as busy:
            act()
        assert busy.value.code == "download_running"
    list(running)
    assert fetch.target.exists()


def test_a_discarded_download_leaves_nothing(there, large, tmp_path):
    there.add_repo(REPO, {"large-Q8_0.gguf": large})
    there.fail("cdn", cut(3_000_000), times=1)
    fetch = Fetch(there, tmp_path)
    fetch.until_cut()
    (waiting,) = pending(tmp_path)
    discard(tmp_path, waiting.path)
    assert pending(tmp_path) == []
    assert not fetch.target.parent.exists()


# ---- splits


def test_a_split_comes_in_one_folder_and_is_seen_only_when_all_of_it_is_there(there, parts, tmp_path):
    there.add_repo(REPO, {f"Q4_K_M/{part.name}": part for part in parts})
    fetch = Fetch(there, tmp_path)
    total = sum(part.stat().st_size for part in parts)
    there.fail("cdn", cut(100_000), times=1, spare=1)  # in the second file
    fetch.until_cut()
    assert not list(tmp_path.rglob("*.gguf"))
    (waiting,) = pending(tmp_path)
    assert (waiting.done, waiting.total) == (parts[0].stat().st_size + 100_000, total)
    events = fetch.all()
    end = finished(events)
    assert (end.path.name, end.verified) == (parts[0].name, True)
    assert gguf.check(end.path).size == total
    assert [progress.total for progress in only(events, DownloadProgress)] == [total] * len(
        only(events, DownloadProgress)
    )
    assert there.ranges(parts[0].name) == [(0, parts[0].stat().st_size)]
    assert there.ranges(parts[1].name) == [(0, 100_000), (100_000, parts[1].stat().st_size)]
    assert fetch.names == sorted([*(part.name for part in parts), f"{parts[0].name}.json"])


def test_a_split_that_is_thrown_away_goes_with_all_its_parts(there, parts, tmp_path):
    there.add_repo(REPO, {part.name: part for part in parts})
    there.fail("cdn", cut(100), times=1, spare=2)
    fetch = Fetch(there, tmp_path)
    fetch.until_cut()
    discard(tmp_path, pending(tmp_path)[0].path)
    assert fetch.names == []


# ---- names (SEC-24)


@pytest.mark.parametrize("repo", ["../x", "a/b/c", "a", "a/..", "con/x", "a/b\0", "a:b/c", "a/" + "b" * 300])
def test_a_repository_cannot_name_a_place_elsewhere(there, tiny, tmp_path, repo):
    there.add_repo(REPO, {"tiny-Q4_K_M.gguf": tiny})
    fetch = Fetch(there, tmp_path)
    fetch.repo = repo
    with pytest.raises(InvalidInput):
        fetch.all()
    assert list(tmp_path.iterdir()) == []


def test_a_link_that_leads_out_of_the_models_folder_is_not_followed(there, tiny, tmp_path):
    there.add_repo(REPO, {"tiny-Q4_K_M.gguf": tiny})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "unsloth--Tiny-GGUF").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidInput) as error:
        Fetch(there, tmp_path / "models").all()
    assert error.value.code == "bad_name"
    assert list((tmp_path / "elsewhere").iterdir()) == []


# ---- the meter


def test_the_meter_reports_ten_times_a_second_and_averages_over_five():
    now = [100.0]
    meter = Meter(0, 1000, clock=lambda: now[0])
    assert meter.report("x").seconds_left is None
    due = []
    for _ in range(128):
        now[0] += 1 / 64
        if meter.moved(2):
            due.append(meter.report("x"))
    assert len(due) == 18  # in two seconds
    assert due[-1].bytes_per_s == pytest.approx(128)
    assert due[-1].seconds_left == pytest.approx((1000 - due[-1].done) / 128)
    now[0] += 60
    meter.rest()
    now[0] += 1
    meter.moved(500)
    assert meter.report("x").bytes_per_s == pytest.approx(500)


def test_notices_are_phrases_in_both_languages(there, large, tiny, tmp_path):
    there.add_repo(REPO, {"large-Q8_0.gguf": large})
    there.fail("cdn", cut(3_000_000), times=1)
    fetch = Fetch(there, tmp_path)
    fetch.until_cut()
    there.add_repo(REPO, {"large-Q8_0.gguf": tiny})
    events = fetch.all()
    (notice,) = only(events, DownloadNotice)
    assert "changed" in notice.message.en
    assert notice.message.zh
    assert sha256(finished(events).path) == sha256(tiny)
    assert there.ranges("large")[-1] == (0, tiny.stat().st_size)
