"""`python -m tests.bench NAME [options]` runs one benchmark; without a name it lists them.

A benchmark is a module of this package with `main(arguments: Sequence[str]) -> int`; the first line of its
docstring says what it measures.
"""

import importlib
import pkgutil
import sys
from collections.abc import Sequence

import tests.bench


def main(arguments: Sequence[str]) -> int:
    names = sorted(module.name for module in pkgutil.iter_modules(tests.bench.__path__) if module.name != "__main__")
    if arguments and arguments[0] in names:
        return importlib.import_module(f"tests.bench.{arguments[0]}").main(arguments[1:])
    for name in names:
        print(f"{name:12} {(importlib.import_module(f'tests.bench.{name}').__doc__ or '').splitlines()[0]}")
    return 0 if not arguments else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
