"""Exporting long conversations: messages a second and memory by format, beside the plainest way to such a file.

    python -m tests.bench export [--quick] [--only md html docx pdf json] [--messages 2000 20000]

Each export and each peer is a process of its own. Its peak is that of the whole process; it may grow by 24 MiB from the
smaller to the larger conversation. The peers write the texts alone, without heads, labels and sources: lines of a file,
markdown-it's HTML, a paragraph of python-docx for each message, QTextDocument.setMarkdown with all of it and its print,
json.dumps. They are run with the smaller conversation.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from backends.chat.export.reading import Reader
from backends.chat.export.task import FORMATS, export
from backends.chat.export.types import MakeWriter, Manner, Selection
from backends.chat.schema import MIGRATIONS
from backends.chat.store import ChatStore
from backends.core.cancel import CancelToken
from backends.governance.labels import Unlabelled
from backends.storage.database import Database
from tests.bench.window import ROOT
from tests.kit import long_chats

FORMS = (*FORMATS, "pdf")
GROWTH = 24  # MiB
MIB = 1 << (10 if sys.platform != "darwin" else 20)  # of ru_maxrss
LIMIT_S = 1200


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench export", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=int, nargs=2, default=(2_000, 20_000))
    parser.add_argument("--only", nargs="*", choices=FORMS, default=FORMS)
    parser.add_argument("--quick", action="store_true", help="a tenth of the messages")
    given = parser.parse_args(arguments)
    counts = [count // 10 if given.quick else count for count in given.messages]
    good = True
    with tempfile.TemporaryDirectory() as home:
        places = [_filled(Path(home) / str(count), count) for count in counts]
        print(f"{'':5}" + "".join(f"{f'{count:,} messages':>32}" for count in counts) + "     peer (ours to it)")
        for form in given.only:
            peer = _child("peer", form, places[0])
            runs = [_child("ours", form, place) for place in places]
            grown = runs[-1]["peak"] - runs[0]["peak"]
            good = good and grown <= GROWTH
            told = "".join(
                f"{one['seconds']:8.1f} s {count / one['seconds']:7.0f}/s {one['peak']:5.0f} MiB"
                for one, count in zip(runs, counts, strict=True)
            )
            print(
                f"{form:5}{told}   {peer['seconds']:7.1f} s {peer['peak']:5.0f} MiB "
                f"(x {runs[0]['seconds'] / peer['seconds']:.2f}){f'  + {grown:.0f} MiB !' if grown > GROWTH else ''}",
                flush=True,
            )
    return 0 if good else 1


def _filled(folder: Path, messages: int) -> Path:
    folder.mkdir()
    with closing(Database(folder / "chats.db", MIGRATIONS)) as database:
        conversation = ChatStore(database).create("A long chat")
        rows = enumerate(long_chats.turns(messages), 1)
        with database.atomic() as connection:
            connection.executemany(
                "INSERT INTO messages (id, conversation_id, parent_id, role, content, reasoning, model, status, "
                "created, updated) VALUES (?, ?, ?, ?, ?, '', ?, 'done', 0, 0)",
                (
                    (n, conversation.id, n - 1 or None, role, text, "tiny" if role == "assistant" else "")
                    for n, (role, text) in rows
                ),
            )
    return folder


def _child(whose: str, form: str, place: Path) -> dict[str, float]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "tests.bench.export", whose, form, str(place)]
    run = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT, timeout=LIMIT_S
    )
    return json.loads(run.stdout)


# ---- in a process of its own


def measured(whose: str, form: str, place: Path) -> None:
    with closing(Database(place / "chats.db", MIGRATIONS)) as database:
        begun = time.monotonic()
        if whose == "peer":
            _peer(database, form, place / f"peer.{form}")
        else:
            _export(database, form, place)
        seconds = time.monotonic() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    print(json.dumps({"seconds": seconds, "peak": peak}))


def _export(database: Database, form: str, place: Path) -> None:
    store = ChatStore(database)
    task = export(
        Reader(database, store),
        Unlabelled(place / "unlabelled.jsonl"),
        Selection("all"),
        place / f"ours.{form}",
        form,
        _pdf() if form == "pdf" else FORMATS[form],
        Manner(),
        overwrite=True,
        cancel=CancelToken(),
    )
    for _ in task:
        pass


def _pdf() -> MakeWriter:
    from app.pdf import PdfForm

    _application()
    return PdfForm(("Noto Sans CJK SC",))


def _application() -> None:
    from PySide6.QtGui import QGuiApplication

    if QGuiApplication.instance() is None:
        QGuiApplication([])


def _peer(database: Database, form: str, path: Path) -> None:
    rows = database.connection().execute("SELECT content, * FROM messages ORDER BY id")
    if form == "pdf":
        from PySide6.QtGui import QPdfWriter, QTextDocument

        _application()
        document = QTextDocument()
        document.setMarkdown("\n\n".join(row[0] for row in rows))
        document.print_(QPdfWriter(str(path)))
    elif form == "docx":
        import docx

        made = docx.Document()
        for row in rows:
            made.add_paragraph(row[0])
        made.save(str(path))
    elif form == "html":
        from markdown_it import MarkdownIt

        reader = MarkdownIt("commonmark").enable("table")
        with path.open("w", encoding="utf-8") as file:
            file.writelines(reader.render(row[0]) for row in rows)
    else:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(dict(row)) if form == "json" else f"{row[0]}\n\n" for row in rows)


if __name__ == "__main__":
    measured(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
