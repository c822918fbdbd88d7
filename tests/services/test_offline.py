"""The offline switch while something is on its way: the hub is on an address of this machine that is outside."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.core.errors import DownloadError
from backends.core.gate import GATE
from backends.core.secrets import Secrets
from backends.models.queue import Queued
from backends.services import Services
from tests.kit.faults import paused
from tests.kit.ggufs import scripted_model
from tests.kit.hub import HubServer
from tests.kit.sites import outside
from tests.services.conftest import Opened

REPO = "tester/One-GGUF"
MODEL = f"{REPO}:Q4_K_M"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    with HubServer(host=outside()) as hub:
        hub.add_repo(REPO, {"One-Q4_K_M.gguf": scripted_model(tmp_path / "made-Q4_K_M.gguf")})
        yield hub
        hub.release()


@pytest.fixture(autouse=True)
def online_again() -> Iterator[None]:
    yield
    GATE.set_offline(False)


def opened_at(services: Services, hub: HubServer) -> Services:
    services.secrets = Secrets(candidates=[])
    services.settings.set("network.endpoint", hub.endpoint)
    services.settings.set("network.connections", 1)
    return services


def until(services: Services, state: str) -> Queued:
    """The one download, as soon as it is in that state."""
    woken = threading.Event()
    changes = services.changes()
    changes.on_wake(woken.set)
    try:
        while (item := services.downloads.queue()[0]).state != state:
            assert woken.wait(60), item
            woken.clear()
        return item
    finally:
        changes.cancel()


def begun(services: Services, hub: HubServer) -> Queued:
    """A download of which a part has come."""
    hub.fail("cdn", paused(100_000), times=1)
    services.downloads.enqueue(MODEL)
    hub.wait_paused()
    return services.downloads.queue()[0]


def test_a_download_rests_while_the_program_is_offline_and_goes_on_by_itself(opened: Opened, hub: HubServer) -> None:
    with opened() as services:
        opened_at(services, hub)
        begun(services, hub)
        services.settings.set("network.offline", True)
        rests = until(services, "paused")
        assert rests.reason.en == "DeskSeek is offline."
        assert services.network.connections()[-1].outcome == "offline"
        with pytest.raises(DownloadError) as failure:
            list(services.downloads.pull(MODEL))
        assert failure.value.code == "offline"
        services.settings.set("network.offline", False)
        done = until(services, "finished")
        assert done.path is not None
        assert not services.downloads.pending()


def test_it_rests_through_a_restart_too(opened: Opened, hub: HubServer) -> None:
    with opened() as services:
        opened_at(services, hub)
        begun(services, hub)
        services.settings.set("network.offline", True)
        until(services, "paused")
    with opened() as services:
        opened_at(services, hub)
        list(services.downloads.take_up())
        assert until(services, "paused").hint.en.startswith("It goes on by itself")
        hub.release()
        services.settings.set("network.offline", False)
        until(services, "finished")


def test_one_that_a_person_paused_stays_paused(opened: Opened, hub: HubServer) -> None:
    with opened() as services:
        opened_at(services, hub)
        begun(services, hub)
        services.downloads.pause(MODEL)
        until(services, "paused")
        services.settings.set("network.offline", True)
        services.settings.set("network.offline", False)
        assert services.downloads.queue()[0].state == "paused"
