"""Models on their way: paused, moved, gone on with after a restart, from another source, thrown away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.picture import Download
from backends.core.paths import Paths
from tests.kit.desk import Desk
from tests.kit.faults import HANG, cut, paused, refused
from tests.kit.ggufs import scripted_model
from tests.kit.hub import HubServer

LONG = 60_000
REPO = "tester/Scripted-GGUF"
REF = f"{REPO}:F16"


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scripted_model(tmp_path_factory.mktemp("models") / "scripted-F16.gguf", "Hm.", "Hello.")


@pytest.fixture
def hub(gguf: Path) -> Iterator[HubServer]:
    with HubServer() as hub:
        hub.add_repo(REPO, {"scripted-F16.gguf": gguf})
        yield hub


def test_a_download_arrives_and_is_loaded(desk: Desk) -> None:
    seen: list[str] = []
    desk.controller.picture_changed.connect(lambda: seen.append(desk.download.state if desk.download else ""))
    desk.controller.start()
    desk.until(lambda: desk.picture.local == ())
    with desk.qtbot.waitSignals([desk.controller.first_model_arrived, desk.controller.model_loaded], timeout=LONG):
        desk.controller.pull(REF)
        assert desk.download == Download(REF, "starting", name=REF)
    desk.until_loaded()
    assert desk.download is None
    assert [model.source for model in desk.local] == [REPO]
    assert desk.picture.loaded is not None
    assert desk.picture.loaded.path == desk.local[0].path
    assert "verifying" in seen
    desk.controller.unload()
    desk.until(lambda: desk.picture.loaded is None)


def test_pause_keeps_what_has_arrived_and_resume_goes_on(desk: Desk, hub: HubServer, gguf: Path) -> None:
    hub.fail("cdn", paused(after=100_000), times=1)
    desk.controller.pull(REF)
    desk.until(lambda: desk.download is not None and desk.download.total > 0)
    hub.wait_paused()
    desk.controller.pause(REF)
    assert desk.until_state("paused").total == gguf.stat().st_size
    hub.release()
    desk.controller.pull(REF)
    desk.until_loaded()
    assert hub.ranges("scripted-F16.gguf")[-1][1] == gguf.stat().st_size


def test_who_resumes_before_the_pause_is_over_gets_it(desk: Desk, hub: HubServer) -> None:
    hub.fail("cdn", paused(after=100_000), times=1)
    desk.controller.pull(REF)
    hub.wait_paused()
    desk.controller.pause(REF)
    desk.controller.pull(REF)
    hub.release()
    desk.until_loaded()


def test_what_was_paused_is_there_after_a_restart_and_can_be_thrown_away(
    desk: Desk, hub: HubServer, paths: Paths
) -> None:
    hub.fail("cdn", paused(after=100_000), times=1)
    desk.controller.pull(REF)
    desk.until(lambda: desk.download is not None and desk.download.total > 0)
    hub.wait_paused()
    desk.controller.pause(REF)
    hub.release()
    desk.until(lambda: desk.services.downloads.pending())
    desk.restart()
    assert desk.until_state("paused").total
    desk.controller.discard(REF)
    desk.until(lambda: desk.download is None and not desk.services.downloads.pending())
    assert not list(desk.services.models_folder.rglob("*.part"))


def test_what_ran_goes_on_after_a_restart(desk: Desk, hub: HubServer) -> None:
    hub.fail("cdn", paused(after=100_000), times=1)
    desk.controller.pull(REF)
    hub.wait_paused()
    desk.restart()
    hub.release()
    desk.until_loaded()
    assert [model.source for model in desk.local] == [REPO]


def test_a_running_download_can_be_thrown_away(desk: Desk, hub: HubServer) -> None:
    hub.fail("cdn", paused(after=100_000), times=1)
    desk.controller.pull(REF)
    hub.wait_paused()
    desk.until(lambda: desk.download is not None and desk.download.total > 0)
    desk.controller.discard(REF)
    desk.until(lambda: desk.download is None)
    hub.release()
    desk.until(lambda: not desk.services.downloads.pending())
    assert not list(desk.services.models_folder.glob("*/*.part"))


def test_a_download_that_had_not_begun_rests_when_paused(desk: Desk, hub: HubServer) -> None:
    hub.fail("api", HANG)
    desk.controller.pull(REF)
    desk.controller.pause(REF)
    assert desk.until_state("paused").total == 0
    hub.release()
    hub.heal()
    desk.controller.pull(REF)
    desk.until_loaded()


def test_downloads_come_in_the_order_that_a_person_wants(desk: Desk, hub: HubServer, gguf: Path) -> None:
    for name in ("One", "Two", "Three"):
        hub.add_repo(f"tester/{name}-GGUF", {"scripted-F16.gguf": gguf})
    hub.fail("cdn", paused(after=100_000), times=1)
    one, two, three = (f"tester/{name}-GGUF:F16" for name in ("One", "Two", "Three"))
    for ref in (one, two, three):
        desk.controller.pull(ref)
    hub.wait_paused()
    desk.controller.downloads.move(three, 1)
    assert [(d.ref, d.state) for d in desk.picture.downloads][1:] == [(three, "queued"), (two, "queued")]
    hub.release()
    desk.until(lambda: len(desk.local) == 3)
    order = [model.source for model in sorted(desk.local, key=lambda model: model.path.stat().st_ctime_ns)]
    assert order == ["tester/One-GGUF", "tester/Three-GGUF", "tester/Two-GGUF"]


def test_another_hub_is_one_press_away_when_the_first_does_not_answer(desk: Desk, hub: HubServer) -> None:
    closed = "http://127.0.0.1:9"
    desk.services.settings.set("network.endpoint", closed)
    desk.controller.pull(REF)
    failed = desk.until_state("failed")
    assert failed.other_sources == ("https://hf-mirror.com", "https://modelscope.cn")
    desk.controller.try_source(hub.endpoint, REF)
    assert desk.services.settings.current.network.sources == (closed, hub.endpoint)
    desk.until_loaded()


def test_which_source_the_bytes_come_from_is_said_if_it_is_not_the_first(desk: Desk, hub: HubServer) -> None:
    desk.services.settings.set("network.endpoint", "http://127.0.0.1:9")
    desk.services.settings.set("network.more_sources", hub.endpoint)
    hub.fail("cdn", paused(after=100_000), times=1)
    desk.controller.pull(REF)
    hub.wait_paused()
    desk.until(lambda: desk.download is not None and desk.download.source)
    assert desk.download is not None
    assert desk.download.source == hub.endpoint.partition("://")[2]
    assert "127.0.0.1" in desk.download.notice.en
    hub.release()
    desk.until_loaded()


def test_a_hub_that_refuses_is_quoted_and_asked_again(desk: Desk, hub: HubServer) -> None:
    hub.fail("api", refused(404, "RepoNotFound"))
    desk.controller.pull(REF)
    failed = desk.until_state("failed")
    assert REPO in failed.message.en
    assert failed.hint.en
    assert failed.source_may_help
    hub.heal()
    desk.controller.pull(REF)
    desk.until_loaded()


def test_a_full_disk_is_no_matter_of_the_source(desk: Desk) -> None:
    desk.services.models_folder.rmdir()
    desk.services.models_folder.write_text("a file where the folder should be")
    desk.controller.pull(REF)
    failed = desk.until_state("failed")
    assert not failed.source_may_help
    assert failed.hint.en


def test_a_cut_connection_is_waited_out(desk: Desk, hub: HubServer) -> None:
    waits: list[Download] = []
    desk.controller.picture_changed.connect(
        lambda: waits.append(desk.download) if desk.download and desk.download.state == "waiting" else None
    )
    hub.fail("cdn", cut(after=0), times=1)
    desk.controller.pull(REF)
    desk.until_loaded()
    assert waits
    assert waits[0].message.en
    assert waits[0].next_try > 0
