"""Downloads in turn: one after the other, in an order that a person chooses, through restarts and kill -9."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backends.core.errors import DownloadError, NotFound
from backends.core.phrase import Phrase
from backends.core.secrets import Secrets
from backends.models.download import DownloadFinished, DownloadProgress, DownloadSource
from backends.models.queue import Queued
from backends.services import Services
from tests.kit.faults import HANG, cut, paused, refused
from tests.kit.ggufs import scripted_model
from tests.kit.hub import HubServer
from tests.kit.modelscope import ModelScopeServer
from tests.services.conftest import Opened

ROOT = Path(__file__).parents[2]
REPOS = ("tester/One-GGUF", "tester/Two-GGUF", "tester/Three-GGUF")
ONE, TWO, THREE = (f"{repo}:Q4_K_M" for repo in REPOS)


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scripted_model(tmp_path_factory.mktemp("models") / "made-Q4_K_M.gguf")


@pytest.fixture
def hub(gguf: Path) -> Iterator[HubServer]:
    with HubServer() as hub:
        for repo in REPOS:
            hub.add_repo(repo, {f"{repo.partition('/')[2].removesuffix('-GGUF')}-Q4_K_M.gguf": gguf})
        yield hub


@pytest.fixture
def services(opened: Opened, hub: HubServer) -> Iterator[Services]:
    with opened() as services:
        settle(services, hub)
        yield services
        hub.release()


def settle(services: Services, hub: HubServer) -> None:
    services.secrets = Secrets(candidates=[])
    services.settings.set("network.endpoint", hub.endpoint)


class Watch:
    """Waits until the queue is as wanted, woken by what the services say."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._woken = threading.Event()
        services.changes().on_wake(self._woken.set)

    def until(self, wanted: Callable[[dict[str, Queued]], object]) -> dict[str, Queued]:
        while not wanted(found := self._queue()):
            assert self._woken.wait(60), found
            self._woken.clear()
        return found

    def states(self, *states: str) -> dict[str, Queued]:
        return self.until(lambda queue: [item.state for item in queue.values()] == list(states))

    def _queue(self) -> dict[str, Queued]:
        return {item.ref: item for item in self._services.downloads.queue()}


def test_one_comes_after_the_other_in_their_order(services, hub):
    watch = Watch(services)
    for ref in (ONE, TWO, THREE):
        services.downloads.enqueue(ref)
    queue = watch.states("finished", "finished", "finished")
    assert list(queue) == [ONE, TWO, THREE]
    assert all(item.path and item.path.exists() for item in queue.values())
    began = [hub.requests.index(hub.seen(server="cdn", path=name)[0]) for name in ("One", "Two", "Three")]
    assert began == sorted(began)
    assert len(services.library.models()) == 3
    for ref in queue:
        services.downloads.forget(ref)
    assert services.downloads.queue() == ()


def test_only_one_runs_and_the_others_know_how_large_they_are(services, hub, gguf):
    hub.fail("cdn", paused(100_000), times=1)
    watch = Watch(services)
    services.downloads.enqueue(ONE)
    hub.wait_paused()
    services.downloads.enqueue(TWO)
    queue = watch.until(lambda queue: queue.get(TWO) and queue[TWO].total)
    assert (queue[ONE].state, queue[TWO].state, queue[TWO].total) == ("running", "waiting", gguf.stat().st_size)
    assert not hub.seen(server="cdn", path="Two")


def test_the_order_can_be_changed(services, hub):
    hub.fail("cdn", paused(100_000), times=1)
    watch = Watch(services)
    services.downloads.enqueue(ONE)
    hub.wait_paused()
    services.downloads.enqueue(TWO)
    services.downloads.enqueue(THREE)
    services.downloads.move(THREE, 1)
    assert [(item.ref, item.position) for item in services.downloads.queue()] == [(ONE, 0), (THREE, 1), (TWO, 2)]
    hub.release()
    watch.states("finished", "finished", "finished")
    assert hub.requests.index(hub.seen(server="cdn", path="Three")[0]) < hub.requests.index(
        hub.seen(server="cdn", path="Two")[0]
    )


def test_a_pause_lets_the_next_one_through_and_resume_waits_for_its_turn(services, hub, gguf):
    hub.fail("cdn", paused(100_000), times=1)
    watch = Watch(services)
    services.downloads.enqueue(ONE)
    hub.wait_paused()
    watch.until(lambda queue: queue[ONE].total)
    services.downloads.enqueue(TWO)
    services.downloads.pause(ONE)
    queue = watch.states("paused", "finished")
    assert queue[ONE].total == gguf.stat().st_size
    hub.release()
    services.downloads.resume(ONE)
    watch.states("finished", "finished")


def test_who_resumes_before_the_pause_is_over_gets_it(services, hub):
    hub.fail("cdn", paused(100_000), times=1)
    watch = Watch(services)
    services.downloads.enqueue(ONE)
    hub.wait_paused()
    services.downloads.pause(ONE)
    services.downloads.resume(ONE)
    hub.release()
    watch.states("finished")


def test_what_fails_says_why_and_does_not_hold_up_the_next(services, hub, gguf):
    late = "tester/Late-GGUF:Q4_K_M"
    watch = Watch(services)
    services.downloads.enqueue(late)
    services.downloads.enqueue(TWO)
    queue = watch.states("failed", "finished")
    assert queue[late].code in ("repository_not_found", "sign_in_needed")
    assert queue[late].reason.zh
    hub.add_repo("tester/Late-GGUF", {"Late-Q4_K_M.gguf": gguf})
    services.downloads.enqueue(late)
    watch.states("finished", "finished")


def test_who_sees_that_it_failed_can_begin_it_anew_at_once(services, hub, gguf):
    """In the moment in which it is told, on the thread that tells it."""
    late = "tester/Late-GGUF:Q4_K_M"
    watch, changes, seen = Watch(services), services.changes(), threading.Event()

    def look() -> None:
        if not seen.is_set() and [item.state for item in services.downloads.queue()] == ["failed"]:
            seen.set()
            hub.add_repo("tester/Late-GGUF", {"Late-Q4_K_M.gguf": gguf})
            services.downloads.resume(late)

    changes.on_wake(look)
    services.downloads.enqueue(late)
    watch.states("finished")


def test_who_sees_that_it_has_come_may_pull_it_once_more(services, hub):
    """And is told of its end, though nothing is left to do."""
    pulled: list = []
    watch, changes = Watch(services), services.changes()

    def look() -> None:
        if not pulled and [item.state for item in services.downloads.queue()] == ["finished"]:
            pulled.append(services.downloads.pull(ONE))

    changes.on_wake(look)
    services.downloads.enqueue(ONE)
    watch.until(lambda queue: pulled)
    assert isinstance(list(pulled[0])[-1], DownloadFinished)


def test_one_that_runs_can_be_thrown_away(services, hub):
    hub.fail("cdn", paused(100_000), times=1)
    watch = Watch(services)
    services.downloads.enqueue(ONE)
    services.downloads.enqueue(TWO)
    hub.wait_paused()
    services.downloads.discard(ONE)
    assert [item.ref for item in services.downloads.queue()] == [TWO]
    hub.release()
    watch.states("finished")
    assert services.downloads.pending() == []
    assert not list(services.models_folder.glob("*/*.part"))


def test_one_that_rests_can_be_thrown_away(services, hub):
    hub.fail("cdn", paused(100_000), times=1)
    watch = Watch(services)
    services.downloads.enqueue(ONE)
    hub.wait_paused()
    services.downloads.pause(ONE)
    watch.until(lambda queue: services.downloads.pending() and queue[ONE].state == "paused")
    services.downloads.discard(ONE)
    hub.release()
    services.downloads.enqueue(TWO)
    watch.until(lambda queue: list(queue) == [TWO] and queue[TWO].state == "finished")
    assert services.downloads.pending() == []


# ---- restarts


def test_what_ran_and_waited_goes_on_at_the_next_start_of_the_window_and_what_rested_rests(opened, hub):
    hub.fail("cdn", paused(100_000), times=1)
    with opened() as services:
        settle(services, hub)
        for ref in (ONE, TWO, THREE):
            services.downloads.enqueue(ref)
        services.downloads.pause(THREE)
        hub.wait_paused()
    hub.release()
    with opened() as services:
        services.secrets = Secrets(candidates=[])
        assert [item.state for item in services.downloads.queue()] == ["waiting", "waiting", "paused"]
        before = len(hub.requests)
        list(services.downloads.pull(TWO))  # a command, which wants that one only
        assert not [request for request in hub.requests[before:] if "One" in request.path]
    with opened() as services:
        services.secrets = Secrets(candidates=[])
        watch = Watch(services)
        services.downloads.take_up()
        queue = watch.until(lambda queue: [item.state for item in queue.values()] == ["finished", "paused"])
        assert list(queue) == [ONE, THREE]


_CHILD = """
import sys
from pathlib import Path
from backends.core.paths import Paths
from backends.core.secrets import Secrets
from backends.services import Services

home, endpoint, *refs = sys.argv[1:]
with Services.open(Paths.under(Path(home))) as services:
    services.secrets = Secrets(candidates=[])
    services.settings.set("network.endpoint", endpoint)
    for ref in refs:
        services.downloads.enqueue(ref)
    sys.stdin.read()
"""


def test_killed_with_9_the_queue_goes_on(opened, hub, tmp_path, gguf):
    hub.fail("cdn", paused(500_000), times=1)
    command = [sys.executable, "-c", _CHILD, str(tmp_path / "home"), hub.endpoint, ONE, TWO]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) as child:
        hub.wait_paused()
        child.kill()
    hub.heal()
    with opened() as services:
        services.secrets = Secrets(candidates=[])
        watch = Watch(services)
        services.downloads.take_up()
        watch.states("finished", "finished")
        assert len(services.library.models()) == 2
    assert hub.ranges("One-Q4_K_M.gguf")[-1][1] == gguf.stat().st_size


def test_downloads_that_lie_on_the_disk_without_an_entry_are_put_at_the_end(services, hub, gguf):
    hub.fail("cdn", cut(500_000), times=1)
    hub.fail("cdn", HANG, times=1)
    stream = services.downloads.pull(ONE)
    hub.wait_paused()
    stream.cancel()
    hub.release()
    stream.wait()
    list(services.downloads.take_up())
    (item,) = services.downloads.queue()
    assert (item.ref, item.state, item.done, item.total) == (ONE, "paused", 500_000, gguf.stat().st_size)
    services.downloads.resume(ONE)
    Watch(services).states("finished")


# ---- pull


def test_who_pulls_what_runs_already_joins_it(services, hub):
    hub.fail("cdn", paused(100_000), times=1)
    services.downloads.enqueue(ONE)
    hub.wait_paused()
    joined = services.downloads.pull(ONE)
    left = services.downloads.pull(ONE)
    left.cancel()
    hub.release()
    events = list(joined)
    assert isinstance(events[-1], DownloadFinished)
    assert len(hub.ranges("One-Q4_K_M.gguf")) == 1
    assert any(isinstance(event, DownloadProgress) for event in events)


def test_a_joined_one_that_fails_fails_for_both(services, hub):
    hub.fail("head", HANG, times=1)
    hub.fail("head", refused(404, "EntryNotFound"))
    hub.fail("api", HANG, times=1)
    hub.fail("api", refused(404, "RepoNotFound"))
    first = services.downloads.pull(ONE)
    hub.wait_paused()
    joined = services.downloads.pull(ONE)
    hub.release()
    for stream in (first, joined):
        with pytest.raises((DownloadError, NotFound)):
            list(stream)


def test_a_pull_of_one_in_the_queue_tells_the_queue(services, hub):
    services.downloads.enqueue(ONE)
    Watch(services).states("finished")
    services.downloads.forget(ONE)
    assert isinstance(list(services.downloads.pull(ONE))[-1], DownloadFinished)
    assert services.downloads.queue() == ()


# ---- sources, limit, disk


def test_the_sources_of_the_settings_are_tried_in_turn(services, hub, gguf):
    with ModelScopeServer() as scope:
        scope.add_repo(REPOS[0], {"One-Q4_K_M.gguf": gguf})
        services.settings.set("network.more_sources", scope.address)
        hub.fail("cdn", refused(404))
        events = list(services.downloads.pull(ONE))
        assert isinstance(events[-1], DownloadFinished)
        assert events[-1].verified
        assert any(isinstance(event, DownloadSource) for event in events)
        assert scope.ranges("One-Q4_K_M.gguf")


def test_a_hub_that_is_away_is_passed_over(services, hub, gguf):
    with ModelScopeServer() as scope:
        scope.add_repo(REPOS[0], {"One-Q4_K_M.gguf": gguf})
        services.settings.set("network.more_sources", scope.address)
        hub.fail("api", refused(503))
        hub.fail("head", refused(503))
        watch = Watch(services)
        services.downloads.enqueue(ONE)
        queue = watch.states("finished")
        assert queue[ONE].source == scope.endpoint.partition("//")[2]
        assert "503" in queue[ONE].notice.en


def test_the_speed_limit_of_the_settings_is_heeded_at_once(services):
    limit = services.downloads._limit
    assert limit.piece(1 << 20) == 1 << 20
    services.settings.set("network.speed_limit", 1.0)
    assert limit.piece(1 << 20) == 100_000
    services.settings.set("network.speed_limit", 0.0)
    assert limit.piece(1 << 20) == 1 << 20


def test_a_disk_too_small_for_all_that_waits_is_told_in_time(services, hub):
    hub.fail("cdn", paused(100_000), times=1)
    watch = Watch(services)
    services.downloads.enqueue(ONE)
    hub.wait_paused()
    hub.lie(REPOS[1], "Two-Q4_K_M.gguf", size=10**14)
    services.downloads.enqueue(TWO)
    queue = watch.until(lambda queue: queue.get(TWO) and queue[TWO].notice != Phrase("", ""))
    assert "100001" in queue[TWO].notice.en
    assert queue[ONE].state == "running"


def test_a_models_folder_that_has_gone_is_not_made_anew(services, hub, tmp_path):
    folder = tmp_path / "stick" / "models"
    folder.mkdir(parents=True)
    services.settings.set("models.folder", str(folder))
    hub.fail("cdn", paused(100_000), times=1)
    watch = Watch(services)
    services.downloads.enqueue(ONE)
    hub.wait_paused()
    watch.until(lambda queue: queue[ONE].done)
    services.downloads.pause(ONE)
    watch.until(lambda queue: queue[ONE].state == "paused" and not services.downloads._runs)
    folder.parent.rename(tmp_path / "pulled out")
    hub.release()
    services.downloads.resume(ONE)
    queue = watch.until(lambda queue: queue[ONE].state == "failed")
    assert queue[ONE].code == "volume_gone"
    assert not folder.parent.exists()
    (tmp_path / "pulled out").rename(folder.parent)
    services.downloads.resume(ONE)
    watch.states("finished")
