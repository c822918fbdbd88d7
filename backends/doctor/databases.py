"""Databases and the search index: whole, of this version, not bursting. Nothing of them is changed."""

from collections.abc import Iterator
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.errors import StorageError
from backends.core.phrase import NOTHING, Phrase
from backends.doctor.case import Case, KnownDatabase
from backends.doctor.types import Finding
from backends.doctor.words import place, size
from backends.documents.index_look import look as look_at_index
from backends.storage.look import distrust, reading
from backends.storage.look import look as look_at_database

LARGE_LOG = 256 << 20  # bytes of a -wal file: nobody could empty it for long
READ_THROUGH = 16 << 20  # bytes, up to which files of the index are read when nobody asked for every byte
_RESTART = Phrase(
    "Close DeskSeek and start it again; the newest good copy is then restored.",
    "请关闭并重新启动 DeskSeek，届时会恢复最近的完好副本。",
)
_ANEW = Phrase(
    "Close DeskSeek and start it again; it is then put aside and begun anew.",
    "请关闭并重新启动 DeskSeek，届时会将其移开并重新创建。",
)


def look(case: Case, *, cancel: CancelToken) -> Iterator[Finding]:
    for known in case.databases:
        cancel.check()
        if known.path.exists() or _copies(known.path):
            yield _database(case, known, cancel)
        yield from _put_aside(case, known.path)
    yield from _index(case, cancel)


def _database(case: Case, known: KnownDatabase, cancel: CancelToken) -> Finding:
    name = known.path.name
    copies = len(_copies(known.path))
    try:
        found = look_at_database(known.path, deep=case.deep, cancel=cancel)
    except StorageError as error:
        shown = place(known.path, case.paths.home)
        message = Phrase(*(text.replace(str(known.path), shown) for text in (error.message.en, error.message.zh)))
        return Finding("databases", error.code, "fail", message, error.hint, subject=name)
    details = {"size": found.size, "log": found.log, "version": found.version, "known": known.version, "copies": copies}
    if not found.sound or (found.size == 0 and copies):
        distrust(known.path)
        return Finding(
            "databases",
            "database_damaged",
            "fail",
            Phrase(f"{name} is damaged.", f"{name} 已损坏。"),
            _RESTART if copies else _ANEW,
            "restore_database",
            subject=name,
            target=str(known.path),
            details=details,
        )
    if found.version > known.version:
        return Finding(
            "databases",
            "database_too_new",
            "fail",
            Phrase(
                f"{name} was made by a newer DeskSeek (form {found.version}; this one knows {known.version}).",
                f"{name} 由更新版本的 DeskSeek 创建（格式 {found.version}，当前版本支持 {known.version}）。",
            ),
            Phrase("Install the newest DeskSeek. Nothing was changed.", "请安装最新版 DeskSeek。未更改任何内容。"),
            subject=name,
            details=details,
        )
    if found.log > LARGE_LOG:
        return Finding(
            "databases",
            "log_large",
            "warn",
            Phrase(
                f"{name} is whole, but {size(found.log)} of changes wait to be written into it.",
                f"{name} 完好，但有 {size(found.log)} 的更改尚未写入。",
            ),
            Phrase("Close DeskSeek and start it again.", "请关闭并重新启动 DeskSeek。"),
            subject=name,
            details=details,
        )
    return Finding(
        "databases",
        "database_ok",
        "ok",
        Phrase(f"{name} is whole ({size(found.size)}).", f"{name} 完好（{size(found.size)}）。"),
        subject=name,
        details=details,
    )


def _copies(path: Path) -> list[Path]:
    try:
        return [copy for copy in (path.parent / "backups").glob(f"{path.name}.*") if copy.suffix != ".part"]
    except OSError:
        return []


def _put_aside(case: Case, path: Path) -> Iterator[Finding]:
    """What a start found damaged, and replaced by a copy or begun anew."""
    aside = sorted(
        each for each in path.parent.glob(f"{path.name}.corrupt-*") if not each.name.endswith(("-wal", "-shm"))
    )
    if aside:
        shown = place(aside[-1], case.paths.home)
        yield Finding(
            "databases",
            "database_put_aside",
            "warn",
            Phrase(
                f"{path.name} was damaged once and replaced. The damaged file is kept as {shown}.",
                f"{path.name} 曾经损坏并已替换，损坏的文件保留为 {shown}。",
            ),
            Phrase(
                "Delete it if you miss nothing. If this happens again, check the disk.",
                "如果没有缺失内容，可以删除它。若再次发生，请检查磁盘。",
            ),
            subject=path.name,
            details={"count": len(aside)},
        )


def _index(case: Case, cancel: CancelToken) -> Iterator[Finding]:
    library = case.paths.data / "library.db"
    latest, documents = _of_library(library, cancel)
    folder = case.paths.data / "search"
    if latest is None:  # damaged, or not there: said above
        return
    try:
        found = look_at_index(folder, None if case.deep else READ_THROUGH)
    except StorageError as error:
        yield Finding("databases", error.code, "fail", error.message, error.hint, subject="search")
        return
    details = {"segments": found.segments, "size": found.size, "upto": found.upto, "latest": latest}
    if not found.sound:
        yield Finding(
            "databases",
            "index_damaged",
            "fail",
            Phrase("The search index of the documents is damaged.", "文档的搜索索引已损坏。"),
            Phrase("Make it anew; the documents themselves are whole.", "请重建索引；文档本身不受影响。"),
            "rebuild_search",
            subject="search",
            details=details,
        )
    elif (found.upto or 0) < latest and documents:
        behind = latest - (found.upto or 0)
        yield Finding(
            "databases",
            "index_behind",
            "warn",
            Phrase(
                f"The search index lacks the last {behind} changes of the documents.",
                f"搜索索引缺少文档的最近 {behind} 项更改。",
            ),
            Phrase("It catches up by itself while DeskSeek is open.", "DeskSeek 打开时会自动补上。"),
            "rebuild_search",
            subject="search",
            details=details,
        )
    elif (found.upto or 0) > latest:
        yield Finding(
            "databases",
            "index_of_another",
            "warn",
            Phrase(
                "The search index holds more than the documents: it was made for another library.",
                "搜索索引的内容多于文档：它属于另一个文档库。",
            ),
            Phrase("Make it anew.", "请重建索引。"),
            "rebuild_search",
            subject="search",
            details=details,
        )
    elif found.upto is not None:
        what = Phrase("The search index holds all documents.", "搜索索引包含所有文档。")
        yield Finding("databases", "index_ok", "ok", what, NOTHING, subject="search", details=details)


def _of_library(path: Path, cancel: CancelToken) -> tuple[int | None, int]:
    """The number of its last change, and how many documents it has; None if it cannot be read."""
    if not path.exists():
        return None, 0
    try:
        with reading(path, cancel) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not {"documents", "sqlite_sequence"} <= tables:
                return None, 0
            row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
            documents = connection.execute("SELECT count(*) FROM documents").fetchone()[0]
    except StorageError:
        return None, 0
    return (row[0] if row else 0), documents
