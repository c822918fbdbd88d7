"""The monitor: what sampling costs, how fast the history is, how fast it is drawn.

    python -m tests.bench monitor [--only sampling|history|draw] [options of that part]

Each part is a module of this package with `main(arguments: Sequence[str]) -> int`.
"""

import importlib
import pkgutil
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Whatever follows is the part's; 1 if any part is over its limit."""
    parts = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.endswith("_loop"))
    rest = list(arguments)
    if "--only" in rest:
        at = rest.index("--only")
        wanted = rest[at + 1 : at + 2]
        if wanted[:1] == [] or wanted[0] not in parts:
            print(f"--only one of: {', '.join(parts)}")
            return 2
        parts, rest = wanted, rest[:at] + rest[at + 2 :]
    return max([importlib.import_module(f"{__name__}.{part}").main(rest) for part in parts])
