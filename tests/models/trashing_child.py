"""Deletes a model and puts it back, for ever: `python -m tests.models.trashing_child HOME`. Its parent kills it."""

import sys
from pathlib import Path

from backends.models.catalog import Catalog
from backends.models.library import Library


def run(home: Path) -> None:
    library = Library(home / "models", Catalog.load(), home / "library.json")
    print("ready", flush=True)
    while True:
        for each in library.deleted():
            library.undelete(each.key)
        (model,) = library.models()
        library.delete(model.id)


if __name__ == "__main__":
    run(Path(sys.argv[1]))
