"""A library of documents for tests: texts go in as a reader would bring them."""

from collections.abc import Iterator, Sequence

from backends.documents.store import DocumentStore
from backends.documents.types import Closed, Document, Opened, Section

ENGLISH = "The committee met on Tuesday to look at the figures. It found that nothing had changed, and said so. "
CHINESE = "研究人员在二〇二四年发表了这份报告，其中说明了测量的方法。结果显示，两组之间没有明显差别！"


def put(
    store: DocumentStore,
    name: str,
    *texts: str | Section,
    collection: int | None = None,
    folder: str = "/shelf",
    digest: str = "",
    size: int = 10,
    modified: float = 1.0,
    opened: Opened | None = None,
    unread: Sequence[int] = (),
) -> Document:
    """A file that was read: each text is a page."""
    where = store.default_collection().id if collection is None else collection
    document = store.begin(where, f"{folder}/{name}", name, size, modified, digest or f"digest of {name!r}")
    assert store.store(document.id, opened or Opened("text"), sections(texts, unread))
    return store.document(document.id)


def sections(texts: Sequence[str | Section], unread: Sequence[int] = ()) -> Iterator[Section | Closed]:
    for page, text in enumerate(texts, 1):
        yield text if isinstance(text, Section) else Section(text, page)
    yield Closed(len(texts), tuple(unread))


def words(store: DocumentStore) -> str:
    """All that can be found, in order."""
    return " ".join(passage.text for id in store.visible() for passage in store.passages_of(id))
