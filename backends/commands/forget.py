"""`deskseek forget`: documents leave for good: their text, index, vectors, and what models have read of them."""

from backends.commands.arguments import Parser
from backends.commands.documents import scope
from backends.commands.job import DONE, INTERRUPTED, Command, Job, typed_path
from backends.core.errors import NotFound
from backends.core.phrase import Language, Phrase

NAME = "forget"
SUMMARY = Phrase("Erase documents from DeskSeek; the files stay.", "从 DeskSeek 中清除文档；原文件不受影响。")


def grammar(language: Language) -> Parser:
    after = Phrase(
        "Text, index and vectors are erased at once and for good. A folder means all documents below it.",
        "文本、索引与向量会立即彻底清除。填写文件夹则清除其下的所有文档。",
    )
    parser = Parser(f"deskseek {NAME}", SUMMARY, language, after=after)
    parser.word(
        "names", "PATH|ID", Phrase("as `documents` lists them", "`documents` 列出的路径或 ID"), required=True, many=True
    )
    parser.option("--collection", "C", Phrase("only from this collection", "仅从该文档集中清除"))
    parser.json_switch()
    return parser


def run(job: Job) -> int:
    documents, where = job.services.documents, scope(job)
    missing: list[str] = []
    gone: dict[int, str] = {}
    for name in job.arguments.names:
        found = _found(name, where.collections, job)
        if not found:
            missing.append(name)
        gone |= found
    if gone:
        for _ in job.follow(documents.erase(list(gone))):
            pass
        for _ in documents.index.catch_up(cancel=job.cancel):
            pass
        for _ in documents.index.compact(cancel=job.cancel):
            pass
    if job.cancel.cancelled:
        return INTERRUPTED
    if job.console.as_json and gone:
        job.console.json({"forgotten": list(gone.values())})
    elif gone:
        zh, count = job.console.language == "zh", len(gone)
        job.console.line(f"已清除 {count:,} 个文档。" if zh else f"Erased: {count:,} document{'s' * (count != 1)}.")
    if missing:
        raise NotFound(
            Phrase(f"No document is called {missing[0]}.", f"没有名为 {missing[0]} 的文档。"),
            Phrase("deskseek documents lists them.", "运行 deskseek documents 查看已收录的文档。"),
            code="no_document",
        )
    return DONE


def _found(name: str, collections: tuple[int, ...] | None, job: Job) -> dict[int, str]:
    """Documents of that path or id, in all collections or the named one; of a folder all below it."""
    store, path = job.services.documents.store, str(typed_path(name, job))
    found: dict[int, str] = {}
    for collection in collections or [each.id for each in store.collections()]:
        document = store.find(path, collection) or store.find(name, collection)
        if document is not None:
            found[document.id] = document.known_as
            continue
        after = 0
        while below := store.below(collection, path, after):
            found |= {each.id: each.known_as for each in below}
            after = below[-1].id
    return found


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True)
