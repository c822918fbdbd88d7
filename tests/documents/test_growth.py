"""Memory does not grow with the number of documents: what is kept of each is counted, and what was freed goes back."""

import gc
import os
import platform
import subprocess
import sys
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest

from backends.documents import search, words
from backends.documents.index import SearchIndex
from backends.documents.search import Search
from backends.documents.store import DocumentStore
from tests.kit.passages import caught_up, stored
from tests.kit.shell import ROOT

MIB = 1 << 20


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other systems give back by themselves")
def test_a_commit_of_the_full_text_holds_no_memory_when_it_is_over(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "committing_child.py"), str(tmp_path), "4"],
        stdout=subprocess.PIPE,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert int(said.stdout) < 4 * MIB  # 17 where nothing is given back, and that for each of many threads


def test_what_is_kept_of_each_of_many_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the documents whose names are known and the words that are remembered, the numbers alone."""
    monkeypatch.setattr(search, "NAMES", 50)
    monkeypatch.setattr(words, "_MADE", 50)
    with (
        closing(DocumentStore.open(tmp_path / "library.db")) as store,
        closing(SearchIndex(store, tmp_path / "search")) as index,
    ):
        finder = Search(store, index)

        def held_with(count: int) -> int:
            for first in range(store.count(), count, 50):
                with store.database.atomic():
                    for number in range(first, first + 50):
                        stored(store, f"Note {number} on subject{number}", f"What word{number} and other{number} say.")
                caught_up(index)
                finder.follow_names()
            store.visible()
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        try:
            few, many = held_with(200), held_with(600)
        finally:
            tracemalloc.stop()
        assert (many - few) / 400 < 64
