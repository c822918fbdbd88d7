"""How smooth a long chat is: an answer that streams, a conversation of 1,000 messages opened and scrolled.

    python -m tests.bench rendering [--quick] [--only stream open wheel page drag] [--platform offscreen --platform xcb]

Each part runs in a real window in a process of its own (`tests.kit.rendering_window`). Times are those of the wall;
those of the processor, of the GUI's thread alone, stand beside them and hold on a machine that does other things too.
The peer is QTextBrowser.setMarkdown with the whole text at every update. `xcb` starts an Xvfb of its own.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tests.bench.window import ROOT, screen
from tests.kit.screens import has_xvfb

NOTICED = 0.02  # of what is in sight
GAP_S, SHARE, OPEN_S, FRAME_S = 0.033, 0.35, 0.3, 0.016
LIMIT_S = 300
Figures = dict[str, Any]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench rendering", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the answer and of the conversation")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--platform", action="append", choices=("offscreen", "xcb"))
    options = parser.parse_args(arguments)
    good = True
    for platform in options.platform or ("offscreen", "xcb"):
        if platform == "xcb" and not has_xvfb():
            print("xcb: left out, there is no Xvfb here")
            continue
        print(f"\n{platform}, load of the machine {os.getloadavg()[0]:.1f}")
        for name in options.only:
            count, told = PARTS[name]
            good &= told(measured(platform, name, count // 10 if options.quick else count))
    return 0 if good else 1


def measured(platform: str, part: str, count: int) -> Figures:
    with screen(platform) as environment:
        environment = {**os.environ, **environment, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tests.kit.rendering_window", part, str(count)]
        run = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT, timeout=LIMIT_S
        )
    return json.loads(run.stdout)


def stream(figures: Figures) -> bool:
    gap, busy = p99(figures["gaps"]), p99(figures["busy"])
    share = figures["spent"] / figures["took"]
    a_second = figures["updates"] / figures["took"]
    peer = figures["peer"]
    print(
        f"an answer of {figures['characters']:,} characters, {figures['took']:.0f} s, {a_second:.0f} updates a second"
    )
    line(
        "  event loop, gap p99",
        gap,
        GAP_S,
        f"processor {busy * 1000:.1f} ms; longest {max(figures['gaps']) * 1000:.0f} ms",
    )
    print(f"  GUI thread          {share:7.1%} of a core  ({share / SHARE:.2f} x the limit of {SHARE:.0%})")
    print(f"  memory grew by      {figures['rss'] / (1 << 20):7.1f} MiB")
    wanted = sum(peer) / len(peer) * a_second
    print(
        f"  peer: setMarkdown   {p99(peer) * 1000:7.1f} ms an update p99 ({p99(peer) / max(busy, 1e-6):.1f} x ours); "
        f"it would need {wanted:.0%} of a core ({wanted / share:.1f} x ours)"
    )
    return gap <= GAP_S and share <= SHARE


def open_(figures: Figures) -> bool:
    wall, spent = figures["wall"], figures["spent"]
    middle = sorted(wall)[len(wall) // 2]
    print(f"a conversation of {figures['characters']:,} characters opened, {len(wall)} times")
    line(
        "  to the painted window",
        middle,
        OPEN_S,
        f"first {wall[0] * 1000:.0f} ms; processor {sorted(spent)[len(spent) // 2] * 1000:.0f} ms",
    )
    print(f"  of which the store's reading {figures['read'] * 1000:.0f} ms, the rows {figures['rows'] * 1000:.0f} ms")
    return middle <= OPEN_S


def scroll(way: str, figures: Figures) -> bool:
    wall, empty = figures["wall"], figures["empty"]
    frame, middle = p99(wall), sorted(wall)[len(wall) // 2]
    print(f"scrolled: {way}")
    more = f"processor {p99(figures['spent']) * 1000:.1f} ms; median {middle * 1000:.1f} ms"
    line("  frame p99", frame, FRAME_S, more)
    waited = sum(share > NOTICED for share in empty) / len(empty)
    late = p99(figures["late"])
    print(f"  since it was due    {late * 1000:7.1f} ms p99, with what was set between two frames")
    print(f"  only sketched       {sum(empty) / len(empty):7.1%} of what is in sight, in {waited:.0%} of the frames")
    print(f"  {figures['widgets']} messages exist, {figures['rss'] / (1 << 20):+.1f} MiB")
    return frame <= FRAME_S


def line(name: str, seconds: float, limit: float, more: str) -> None:
    print(f"{name:22}{seconds * 1000:7.1f} ms  ({seconds / limit:.2f} x the limit of {limit * 1000:.0f} ms; {more})")


def p99(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]


PARTS: dict[str, tuple[int, Callable[[Figures], bool]]] = {
    "stream": (10_000, stream),
    "open": (1000, open_),
    "wheel": (1000, partial(scroll, "by the wheel, a hundred and forty pixels a frame")),
    "page": (1000, partial(scroll, "by pages, one every two frames")),
    "drag": (1000, partial(scroll, "by the bar, up to the beginning and down again")),
}
