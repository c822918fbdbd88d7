"""A home that nobody has lived in yet, and a hub with an empty shelf."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end2end.person import Home
from tests.end2end.shelf import Made, made_models
from tests.kit.ggufs import scripted_model
from tests.kit.hub import HubServer


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made_models(tmp_path_factory.mktemp("made"))


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as hub:
        yield hub


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the person's own."""
    return scripted_model(tmp_path_factory.mktemp("own") / "my-own.gguf", "", "All is well.", name="My own")
