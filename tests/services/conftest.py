"""Services in a data folder of their own, which may be closed and opened again."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from backends.core.paths import Paths
from backends.services import Services

Opened = Callable[[], AbstractContextManager[Services]]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """Opens the same data folder each time."""

    @contextmanager
    def open_once() -> Iterator[Services]:
        here = Path.cwd()
        try:
            with Services.open(Paths.under(tmp_path / "home")) as services:
                yield services
        finally:
            os.chdir(here)  # Services goes to its data folder; other tests are here too

    return open_once


@pytest.fixture
def services(opened: Opened) -> Iterator[Services]:
    with opened() as services:
        yield services
