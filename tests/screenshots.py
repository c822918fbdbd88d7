"""Every page and state, saved as pictures to look at: `python -m tests.screenshots FOLDER [scene …]`.

Each scene of `tests.kit.shots` in both languages and schemes at three sizes, drawn offscreen in a few processes at a
time, and `FOLDER/index.html`, which shows them side by side without a script and without fetching anything. Less of
it: `--language zh`, `--scheme dark`, `--size 640x400`, each as often as wanted. It ends with the scenes that could not
be drawn and what was said about them (exit status 1), with what Qt complained about, or with nothing of that kind.
"""

import argparse
import html
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from app.theme import Scheme
from backends.core.phrase import Language
from tests.kit import shots

FEW = 6  # scenes that a process draws: it ends before what it has drawn adds up
QUIET = ("This plugin does not support", "propagateSizeHints")  # what the offscreen platform says of itself


@dataclass(frozen=True, slots=True)
class Wanted:
    folder: Path
    languages: tuple[Language, ...]
    schemes: tuple[Scheme, ...]
    sizes: tuple[tuple[int, int], ...]

    def files(self, scene: str) -> Iterator[Path]:
        for language, scheme, size in itertools.product(self.languages, self.schemes, self.sizes):
            yield self.folder / shots.file_name(scene, language, scheme, size)


@dataclass(frozen=True, slots=True)
class Said:
    """What a process said while it drew `scenes`; `missing` of them it did not draw."""

    scenes: tuple[str, ...]
    missing: tuple[str, ...]
    words: str


def draw(wanted: Wanted, scenes: tuple[str, ...]) -> Iterator[Said]:
    """Draw in a process of its own. Where it ends too early, the next one goes on behind the scene that it died of."""
    while scenes:
        for scene in scenes:
            for path in wanted.files(scene):
                path.unlink(missing_ok=True)
        options = [f"--language={one}" for one in wanted.languages] + [f"--scheme={one}" for one in wanted.schemes]
        options += [f"--size={width}x{height}" for width, height in wanted.sizes]
        ran = subprocess.run(
            [sys.executable, "-m", "tests.screenshots", str(wanted.folder), *scenes, *options, "--here"],
            env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
            capture_output=True,
            text=True,
            errors="replace",
        )
        words = "\n".join(line for line in ran.stderr.splitlines() if not any(quiet in line for quiet in QUIET))
        missing = tuple(scene for scene in scenes if not all(path.exists() for path in wanted.files(scene)))
        if ran.returncode and not words:
            words = f"ended with {ran.returncode}"
        yield Said(scenes, missing[:1], words)
        scenes = scenes[scenes.index(missing[0]) + 1 :] if missing else ()


def index(wanted: Wanted, scenes: Sequence[str]) -> str:
    """A page of all pictures: a line for each scene and language, its sizes and schemes side by side."""
    rows = []
    for scene in scenes:
        pictures = "".join(
            f'<a href="{name}"><img loading="lazy" src="{name}" alt="{name}" title="{name}"></a>'
            for name in (html.escape(path.name) for path in wanted.files(scene))
            if (wanted.folder / name).exists()
        )
        name = html.escape(scene)
        rows.append(f'<section id="{name}"><h2><a href="#{name}">{name}</a></h2><div>{pictures}</div></section>')
    links = " ".join(f'<a href="#{html.escape(scene)}">{html.escape(scene)}</a>' for scene in scenes)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>DeskSeek: every page and state</title>'
        "<style>body{font:14px sans-serif;margin:24px;background:#888c8e;color:#000}a{color:#012}"
        "nav{line-height:1.8}h2{font-size:16px;margin:32px 0 8px}"
        "div{display:flex;flex-wrap:wrap;gap:12px;align-items:start}img{height:320px;display:block}</style>"
        f"<h1>Every page and state</h1><nav>{links}</nav>{''.join(rows)}</html>\n"
    )


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.screenshots", description="Every page and state, as pictures."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("scenes", nargs="*", metavar="scene", help="only these")
    parser.add_argument("--language", action="append", choices=shots.LANGUAGES)
    parser.add_argument("--scheme", action="append", choices=shots.SCHEMES)
    parser.add_argument("--size", action="append", choices=[f"{width}x{height}" for width, height in shots.SIZES])
    parser.add_argument("--processes", type=int, default=max(1, min(4, os.cpu_count() or 1)))
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    made = parser.parse_intermixed_args(given)
    if unknown := [scene for scene in made.scenes if scene not in shots.SCENES]:
        parser.error(f"no scene is called {', '.join(unknown)}")
    return made


def main(given: Sequence[str] | None = None) -> int:
    asked = arguments(given)
    sizes = tuple(size for size in shots.SIZES if not asked.size or f"{size[0]}x{size[1]}" in asked.size)
    wanted = Wanted(asked.folder, tuple(asked.language or shots.LANGUAGES), tuple(asked.scheme or shots.SCHEMES), sizes)
    scenes = tuple(asked.scenes or shots.SCENES)
    if asked.here:
        for _ in shots.shoot(wanted.folder, scenes, wanted.languages, wanted.schemes, wanted.sizes):
            pass
        return 0
    wanted.folder.mkdir(parents=True, exist_ok=True)
    parts = [scenes[n : n + FEW] for n in range(0, len(scenes), FEW)]
    with ThreadPoolExecutor(asked.processes) as threads:
        said = [one for part in threads.map(lambda part: list(draw(wanted, part)), parts) for one in part]
    page = wanted.folder / "index.html"
    page.write_text(index(wanted, scenes), encoding="utf-8")
    missing = [scene for one in said for scene in one.missing]
    print(f"{len(scenes) - len(missing)} of {len(scenes)} scenes: {page}")
    for one in said:
        if one.missing or one.words:
            print(f"\n{'not drawn: ' + one.missing[0] if one.missing else 'said about ' + ', '.join(one.scenes)}")
            print("\n".join(one.words.splitlines()[-12:]))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
