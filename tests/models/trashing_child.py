"""Deletes a model and puts it back, for ever: `python -m tests.models.trashing_child HOME STEPS`. Its parent kills it;
after so many deletes and returns, if it comes to that, it waits for what never comes."""

import sys
from itertools import count
from pathlib import Path

from backends.models.catalog import Catalog
from backends.models.library import Library


def run(home: Path, steps: int) -> None:
    numbers = count(1)

    def stepped() -> None:
        print("stepped", flush=True)
        if next(numbers) == steps:
            sys.stdin.read()

    library = Library(home / "models", Catalog.load(), home / "library.json")
    print("ready", flush=True)
    while True:
        for each in library.deleted():
            library.undelete(each.key)
            stepped()
        (model,) = library.models()
        library.delete(model.id)
        stepped()


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]))
