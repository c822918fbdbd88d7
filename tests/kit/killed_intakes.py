"""Kill -9 a process that takes a folder in, again and again into the same library, and look at what is left.

The process is `tests.documents.ingesting_child`. Files are changed, added and removed between the kills.
"""

import os
import random
import subprocess
import sys
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.documents.extract.reader import Reader
from backends.documents.ingest import ingest
from backends.documents.store import DocumentStore
from tests.kit.shell import ROOT

FILES = 12
PIECE = "A sentence of number {number}, which says nothing else. 第{number}号文件的一句话。\n\n"


def kill_intakes(folder: Path, loops: int, seed: int = 1) -> int:
    """Kill `loops` of them, each after some more lines of what it says; after each, a document says all of a file as
    it was once, or nothing. The one after the last ends by itself, and has all as it is. Gives how many documents the
    killed ones had said to be in."""
    chance = random.Random(seed)
    library, files = folder / "library.db", folder / "files"
    files.mkdir()
    versions: dict[str, set[str]] = {f"{number}.txt": set() for number in range(FILES)}
    stored = 0
    for turn in range(loops):
        for name in chance.sample(sorted(versions), 3 if turn else FILES):
            versions[name].add(_written(files / name, f"{turn}-{name}", chance.choice((1, 300, 3000))))
        said = _killed(library, files, chance)
        stored += len(said)
        store = DocumentStore.open(library)
        for path in said:
            assert store.find(path) is not None, f"{path} was said to be in"
        _check(store, versions)
        store.close()
    store, reader = DocumentStore.open(library), Reader()
    paths = [asked.path for asked in store.asked()] or [str(files)]
    for _ in ingest(store, reader, store.default_collection().id, paths, cancel=CancelToken()):
        pass
    reader.close()
    for path in files.iterdir():
        document = store.find(str(path))
        assert document is not None
        assert store.text(document.id).strip() == path.read_text(encoding="utf-8").strip()
    _check(store, versions)
    assert store.totals() == {"ready": FILES}
    store.close()
    return stored


def _written(path: Path, number: str, times: int) -> str:
    text = PIECE.format(number=number) * times
    path.write_text(text, encoding="utf-8")
    return text.strip()


def _killed(library: Path, files: Path, chance: random.Random) -> list[str]:
    """Paths that it said were in."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.documents.ingesting_child", str(library), str(files)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    with child.stdout:
        lines = [child.stdout.readline() for _ in range(chance.randint(1, 40))]
        child.kill()
        lines += child.stdout.read().splitlines(keepends=True)
        child.wait()
    return [line.split()[1] for line in lines if line.endswith("\n") and line.startswith("stored")]


def _check(store: DocumentStore, versions: dict[str, set[str]]) -> None:
    connection = store.database.connection()
    assert connection.execute("PRAGMA quick_check").fetchone()[0] == "ok"
    assert connection.execute("SELECT count(*) FROM loose").fetchone()[0] == 0
    for document in store.documents():
        whole = store.text(document.id).strip()
        assert not whole or whole in versions[document.name], f"{document.name} is torn"
