"""What the tests of this room share: a hub on this machine, and a small model to serve."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.core.network import Network, NetworkOptions
from tests.kit.ggufs import scripted_model
from tests.kit.hub import HubServer
from tests.kit.split import split_gguf


@pytest.fixture
def there() -> Iterator[HubServer]:
    with HubServer() as hub:
        yield hub


@pytest.fixture
def network() -> Network:
    return Network(NetworkOptions())


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real model of one megabyte."""
    return scripted_model(tmp_path_factory.mktemp("gguf") / "tiny-Q4_K_M.gguf")


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real model of some 9 MB."""
    return scripted_model(tmp_path_factory.mktemp("gguf") / "large-Q8_0.gguf", slow=8)


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> list[Path]:
    """The tiny model in three files."""
    return split_gguf(tiny, tmp_path_factory.mktemp("split"), "tiny-Q4_K_M", 6)


@pytest.fixture
def mirror() -> Iterator[HubServer]:
    with HubServer() as hub:
        yield hub


@pytest.fixture(scope="session")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real model of some 40 MB."""
    return scripted_model(tmp_path_factory.mktemp("gguf") / "huge-Q8_0.gguf", slow=40)
