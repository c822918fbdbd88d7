"""What holds the model back, looked up while its page is shown: the processor that a look takes, and which share of a
core this is at the window's pace (limit: that of sampling, 0.5 %).

    python -m tests.bench monitor --only looking [--looks 200] [--quick]

With the real engine and services: a small model that is loaded, ten minutes of made samples at hand in which it answers
all the time, with no, one and eight cards. Told apart: usual looks, of which the share is; a look after which other
programs hold so much more of the cards that the machine is surveyed anew, the dearest of five; and the first, which
measures how fast memory is, once a start.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psutil

from app.controllers.holding import EVERY_MS
from backends.core.cancel import CancelToken
from backends.core.paths import Paths
from backends.monitor.types import Sample
from backends.services import Services
from backends.services.monitoring import RECENT
from backends.services.surveying import MOVED
from tests.bench.monitor.sampling import LIMIT
from tests.kit.ggufs import scripted_model
from tests.kit.held_back import card, seconds

PAUSE = 0.05  # seconds from look to look: in the window, too, none finds the processor's caches as it left them
SURVEYS = 5


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="tests.bench monitor --only looking", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--looks", type=int, default=200)
    parser.add_argument("--quick", action="store_true", help="50 looks")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, Services.open(Paths.under(Path(folder) / "home")) as services:
        services.settings.set("engine.try_first", False)
        list(services.loading.load(services.library.add(scripted_model(Path(folder) / "small.gguf"))))
        services.monitoring.close()  # it would sample in between; what is at hand stays
        first, _ = _taken(services, _samples(0), 1)
        print(f"the first look: {first * 1000:.0f} ms")
        shares = [_looked(services, cards, 50 if given.quick else given.looks) for cards in (0, 1, 8)]
    return 0 if max(shares) <= LIMIT else 1


def _looked(services: Services, cards: int, looks: int) -> float:
    """The share of a core; all of it is printed."""
    _taken(services, _samples(cards), 1)
    usual, found = _taken(services, _samples(cards), looks)
    share = usual / (EVERY_MS / 1000)
    others = (2 * MOVED * n for n in range(1, SURVEYS + 1) if cards)
    anew = [_taken(services, _samples(cards, held), 1)[0] for held in others]
    print(
        f"{cards} cards: {usual * 1000:.2f} ms a look, {share:.3%} of a core, {share / LIMIT:.2f} of the limit"
        + (f"; surveyed anew {max(anew) * 1000:.1f} ms" if anew else "")
        + f"; found: {found}"
        + ("" if share <= LIMIT else "  !")
    )
    return share


def _samples(cards: int, by_others: int = 0) -> list[Sample]:
    """Ten minutes of answering. `by_others`: bytes of the first card."""
    there = [card(key=f"0000:{n + 1:02x}:00.0") for n in range(cards)]
    if there:
        there[0] = replace(there[0], memory_used=(there[0].memory_own or 0) + by_others)
    return seconds(RECENT, cards=there, decode=40.0, kv_used=4096)


def _taken(services: Services, samples: Sequence[Sample], looks: int) -> tuple[float, str]:
    """Seconds of the processor of each, those of children included, and what is found."""
    services.monitoring._recent.clear()
    services.monitoring._recent.extend(samples)
    token = CancelToken()
    before, found = _spent(), ""
    for _ in range(looks):
        token.wait(PAUSE)
        (limits,) = services.holding.look()
        found = ", ".join(one.kind for one in limits)
    return (_spent() - before) / looks, found


def _spent() -> float:
    """Of this process, of its children that live and of those that have ended."""
    mine = psutil.Process()
    living = [one.cpu_times() for one in mine.children(recursive=True)]
    ended = mine.cpu_times()
    return time.process_time() + ended.children_user + ended.children_system + sum(t.user + t.system for t in living)
