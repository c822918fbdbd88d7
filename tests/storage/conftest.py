from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.storage.database import Database
from tests.kit.notes import FIRST


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "notes.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    one = Database(path, [FIRST])
    yield one
    one.close()
