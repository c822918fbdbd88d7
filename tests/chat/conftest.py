"""A real `chats.db` in a temporary folder."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from backends.chat.store import MIGRATIONS, ChatStore
from backends.storage.database import Database


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[Callable[[], ChatStore]]:
    """Opens the same database again and again, as one program start after the other would."""
    with ExitStack() as stack:
        yield lambda: ChatStore(stack.enter_context(closing(Database(tmp_path / "chats.db", MIGRATIONS))))


@pytest.fixture
def store(open_store: Callable[[], ChatStore]) -> ChatStore:
    return open_store()
