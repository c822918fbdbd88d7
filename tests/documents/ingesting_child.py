"""Takes a folder into a library until somebody kills it. Says the path of each document, a line each, when it is in."""

import sys
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.documents import draft
from backends.documents.extract.reader import Reader
from backends.documents.ingest import ingest
from backends.documents.store import DocumentStore
from backends.documents.types import FileReading, FileStored


def main(library: str, folder: str) -> None:
    draft.AT_ONCE = 20_000  # so that most documents take several transactions
    store = DocumentStore.open(Path(library))
    collection = store.default_collection().id
    store.ask(collection, [folder])
    for event in ingest(store, Reader(), collection, [folder], cancel=CancelToken()):
        if isinstance(event, FileStored):
            print("stored", event.path, flush=True)
        if isinstance(event, FileReading):
            print("reading", event.path, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
