"""A machine in order: a hub that answers, a port that is free."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.core.paths import Paths
from backends.core.settings import Settings
from tests.kit.ggufs import scripted_model
from tests.kit.hub import HubServer
from tests.kit.patients import Home
from tests.kit.set_up import closed_port


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real model of one megabyte."""
    return scripted_model(tmp_path_factory.mktemp("gguf") / "tiny-Q4_K_M.gguf")


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as hub:
        yield hub


@pytest.fixture
def home(tmp_path: Path, tiny: Path, hub: HubServer) -> Home:
    paths = Paths.under(tmp_path / "home")
    paths.make()
    home = Home(paths, Settings(), tiny)
    home.set("network.endpoint", hub.endpoint)
    home.set("monitor.disk_free", 0)
    home.set("api.port", closed_port())
    return home
