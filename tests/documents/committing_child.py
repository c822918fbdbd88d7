"""`python committing_child.py FOLDER COMMITS`: that many commits of the full text, a document of many words each.

Prints how many bytes the process holds then that nobody uses any more. In a process of its own, since other tests leave
a heap behind.
"""

import ctypes
import sys
from contextlib import closing
from pathlib import Path

import psutil

from backends.documents.index import SearchIndex
from backends.documents.store import DocumentStore
from tests.kit.passages import caught_up, stored


def main(folder: Path, commits: int) -> None:
    with (
        closing(DocumentStore.open(folder / "library.db")) as store,
        closing(SearchIndex(store, folder / "search")) as index,
    ):
        for number in range(commits):
            stored(store, f"{number}", " ".join(f"w{number}x{word}" for word in range(4000)))
            caught_up(index)
        held = psutil.Process().memory_info().rss
        ctypes.CDLL(None).malloc_trim(0)
        print(held - psutil.Process().memory_info().rss)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
