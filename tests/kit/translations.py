"""Keeps the Chinese of the window with its English: `python -m tests.kit.translations`.

Collects every `tr()` of `app/` into `resources/translations/deskseek_zh_CN.ts` (what is new is marked
unfinished, to be filled in there), then compiles it to the `.qm` that the app loads.
"""

import subprocess
import sys
from pathlib import Path

from backends.core.paths import resource

ROOT = Path(__file__).resolve().parents[2]
SOURCE = resource("translations") / "deskseek_zh_CN.ts"


def collect(to: Path = SOURCE) -> None:
    """Update a .ts file from the sources."""
    sources = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "app").rglob("*.py"))
    _run("lupdate", *sources, "-locations", "none", "-no-obsolete", "-source-language", "en", "-ts", str(to))


def compile(source: Path = SOURCE, to: Path | None = None) -> Path:
    """Write the .qm of a .ts file; in one piece, since Qt maps it into the memory of whoever has it open."""
    to = to or source.with_suffix(".qm")
    part = to.with_suffix(".part")
    _run("lrelease", "-silent", str(source), "-qm", str(part))
    return part.replace(to)


def _run(tool: str, *arguments: str) -> None:
    command = str(Path(sys.executable).with_name(f"pyside6-{tool}"))
    done = subprocess.run([command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{tool}: {done.stdout}{done.stderr}")


if __name__ == "__main__":
    collect()
    compile()
