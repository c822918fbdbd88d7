"""What the graphics cards do, asked in a child process because a vendor's call may hang where nothing can end it.

Whatever hangs or breaks is left alone for 10, 20, 40 … 300 s (what is asked is a *subject*: a vendor's driver, or one
card), and then asked by a new child, which loads the driver's library anew: an update of the driver under the running
program heals so, once the driver is whole. The other cards go on meanwhile. Without a card there is no child; what is
plugged in is looked up every minute. A child that nobody asks for 15 s is let go.
"""

import ctypes
import logging
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.child import Child, ChildDied, ChildHung
from backends.core.kept_child import KeptChild
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream
from backends.hardware import amd, intel, names, nvidia, sysfs
from backends.hardware.gpu_child import MODULE, Answer, from_answer
from backends.hardware.samples import GpuSample, State
from backends.hardware.types import Vendor

log = logging.getLogger(__name__)

_LOOK = 60.0  # seconds until it is looked again which cards there are
_IDLE = 15.0  # seconds
_SHORTEST, _LONGEST = 10.0, 300.0  # seconds that something is left alone
_VENDORS: dict[int, tuple[Vendor, tuple[str, ...]]] = {
    nvidia.VENDOR: ("nvidia", nvidia.DRIVERS),
    amd.VENDOR: ("amd", amd.DRIVERS),
    intel.VENDOR: ("intel", intel.DRIVERS),
}


@dataclass(frozen=True, slots=True)
class _Rest:
    """A subject that is left alone."""

    due: float
    wait: float
    state: State


@dataclass(frozen=True, slots=True)
class _Order:
    """What a round asks. `subjects`: those that a child which is there knows; `late` are asked last, by a new one."""

    vendors: list[Vendor]
    subjects: list[str]
    resting: frozenset[str]
    late: frozenset[str]
    pids: list[int]


class Gpus:
    """One thread at a time. `patience`: seconds that a driver may take for an answer about a card, and `opening` to
    begin: one that nobody else uses wakes all its cards first."""

    def __init__(
        self, root: Path, patience: float, clock: Callable[[], float] = time.monotonic, opening: float = 30.0
    ) -> None:
        self._root, self._patience, self._clock, self._opening = root, patience, clock, opening
        self._child, self._runner = KeptChild(MODULE, _IDLE), Runner("gpus")
        self._round: Stream[list[Answer]] | None = None
        self._looked = -_LOOK
        self._there: frozenset[tuple[str, str]] = frozenset()  # vendors and addresses
        self._known: dict[str, GpuSample] = {}  # by subject, as it was told last
        self._owners: dict[str, Vendor] = {}
        self._rests: dict[str, _Rest] = {}
        self._notes: dict[str, Phrase] = {}
        self._names: dict[str, str] = {}  # by address, of cards that nobody but the kernel has told of

    @property
    def pid(self) -> int | None:
        """Of the child, while there is one."""
        return self._child.pid

    def notes(self) -> tuple[Phrase, ...]:
        return tuple(dict.fromkeys(self._notes.values()))

    def sample(self, pids: Sequence[int], cancel: CancelToken, seconds: float) -> tuple[GpuSample, ...]:
        """All cards within so many seconds; one that has not answered by then is as it was, until it counts as silent.
        Raises Cancelled, which costs the child its life."""
        self._look_around()
        if self._round is None and (vendors := self._to_ask()):
            self._begin(vendors, pids)
        if self._round is not None:
            forget = cancel.on_cancel(self._round.cancel)
            over = self._round.wait(seconds)
            forget()
            if over:
                for answer in [answer for told in self._round.drain() for answer in told]:
                    self._note(answer)
                self._round = None
            cancel.check()
        return tuple(self._as_it_is(subject, card) for subject, card in self._known.items()) + self._unheard()

    def close(self) -> None:
        self._runner.close()
        self._child.close()

    def _look_around(self) -> None:
        if self._clock() - self._looked < _LOOK:
            return
        self._looked = self._clock()
        there = _cards(self._root)
        if there != self._there:  # something came or went: everything is as new
            self._there = there
            self._rests = {vendor: _Rest(self._clock(), 0.0, "silent") for vendor, _ in there}
            for subject in [one for one, card in self._known.items() if (card.vendor, card.key) not in there]:
                self._forget(subject)
            if not there:
                self._notes.clear()

    def _to_ask(self) -> list[Vendor]:
        """The vendors that are there and not left alone, nor all of their cards; those that made trouble last."""
        vendors = sorted({vendor for vendor, _ in self._there}, key=lambda vendor: (vendor in self._rests, vendor))
        asked = []
        for vendor in vendors:
            cards = [subject for subject, owner in self._owners.items() if owner == vendor]
            if not self._rests_now(vendor) and not (cards and all(self._rests_now(card) for card in cards)):
                asked.append(vendor)
        return asked

    def _rests_now(self, subject: str) -> bool:
        return subject in self._rests and self._rests[subject].due > self._clock()

    def _begin(self, vendors: list[Vendor], pids: Sequence[int]) -> None:
        subjects = [subject for subject, owner in self._owners.items() if owner in vendors]
        rests = {subject for subject in (*vendors, *subjects) if subject in self._rests}
        resting = {subject for subject in rests if self._rests_now(subject)}
        order = _Order(vendors, subjects, frozenset(resting), frozenset(rests - resting), list(pids))
        self._round = self._runner.start(self._ask, order)

    def _ask(self, order: _Order, *, cancel: CancelToken) -> Iterator[list[Answer]]:
        """One round, on the runner's thread: all that was answered, and what was not."""
        told: list[Answer] = []
        with self._child.mine(cancel) as child:
            if order.late:
                child.close()
            for _ in range(2):  # a child that died while nobody asked it anything tells nothing about the drivers
                asked: list[str] = [*order.vendors]
                try:
                    for answer in self._answers(child, order, asked, cancel):
                        told.append(answer)
                    break
                except (ChildDied, OSError) as error:  # OSError: no process can be started
                    log.warning("asking %s: %s", asked, error)
                    if told or isinstance(error, ChildHung):
                        told += [{"silent": asked[0]}] if asked else []
                        break
            else:
                told.append({"silent": order.vendors[0]})
        yield told

    def _answers(self, child: Child, order: _Order, asked: list[str], cancel: CancelToken) -> Iterator[Answer]:
        """`asked` is kept at what is still to be answered, the next one first."""
        subjects = order.subjects
        if child.pid is None:
            subjects = []
            request = {"do": "open", "root": str(self._root), "vendors": order.vendors}
            for answer in child.ask(request, cancel=cancel, silence=self._opening):
                del asked[0]
                subjects += answer.get("subjects", [])
                yield answer
        wanted = sorted((one for one in subjects if one not in order.resting), key=lambda one: one in order.late)
        asked[:] = wanted
        request = {"do": "sample", "subjects": wanted, "pids": order.pids}
        for answer in child.ask(request, cancel=cancel, silence=self._patience * 0.8):
            del asked[0]
            yield answer

    def _note(self, answer: Answer) -> None:
        """What the child said, or what became of it."""
        match answer:
            case {"card": subject, "sample": told}:
                card = from_answer(told)
                self._known[subject] = card
                for well in (subject, card.vendor):
                    self._rests.pop(well, None)
                    self._notes.pop(well, None)
            case {"lost": subject, "sample": told}:
                card = self._known.get(subject) or from_answer(told)
                self._known[subject] = card
                self._leave_alone(subject, "lost", _lost(card.name))
                self._rests.pop(card.vendor, None)
            case {"opened": vendor, "subjects": subjects}:
                for subject in [one for one, owner in self._owners.items() if owner == vendor and one not in subjects]:
                    self._forget(subject)
                self._owners.update(dict.fromkeys(subjects, vendor))
                if not subjects or (vendor in self._rests and not self._rests[vendor].wait):
                    self._rests.pop(vendor, None)
            case {"broken": vendor}:
                words = Phrase(answer["en"], answer["zh"]) if "en" in answer else None
                self._leave_alone(vendor, "lost", words)
            case {"silent": subject}:
                name = self._known[subject].name if subject in self._known else _TITLES.get(subject)
                self._leave_alone(subject, "silent", _silent(name or str(subject)))
            case _:
                raise ValueError(answer)

    def _forget(self, subject: str) -> None:
        for told in (self._known, self._owners, self._rests, self._notes):
            told.pop(subject, None)

    def _leave_alone(self, subject: str, state: State, words: Phrase | None) -> None:
        before = self._rests.get(subject)
        if before and before.due > self._clock():
            return  # said of each of its cards
        wait = min(_LONGEST, max(_SHORTEST, 2 * before.wait)) if before else _SHORTEST
        self._rests[subject] = _Rest(self._clock() + wait, wait, state)
        if words:
            self._notes[subject] = words
        else:
            self._notes.pop(subject, None)

    def _as_it_is(self, subject: str, card: GpuSample) -> GpuSample:
        rest = self._rests.get(subject) or self._rests.get(card.vendor)
        if rest and rest.wait:
            return _bare(card, rest.state)
        return card

    def _unheard(self) -> tuple[GpuSample, ...]:
        """Cards that the kernel lists, which their driver has not yet told of because it hangs."""
        silent = {
            self._owners.get(one, one) for one, rest in self._rests.items() if rest.wait and rest.state == "silent"
        }
        known = {card.key for card in self._known.values()}
        found = []
        for number, (vendor, _) in _VENDORS.items():
            for card in sysfs.displays(self._root, number) if vendor in silent else ():
                if (vendor, card.address) in self._there and card.address not in known:
                    if card.address not in self._names:
                        known_as = names.look_up(number, card.device, card.revision, self._root)
                        self._names[card.address] = known_as.name
                    found.append(GpuSample(card.address, self._names[card.address], vendor, "silent"))
        return tuple(found)


def _cards(root: Path) -> frozenset[tuple[str, str]]:
    """Vendors whose drivers run, and the addresses of their cards (a name where the bus does not list them)."""
    if sys.platform == "win32":
        folder = ctypes.create_unicode_buffer(260)
        ctypes.windll.kernel32.GetSystemDirectoryW(folder, len(folder))
        return frozenset({("nvidia", "nvml.dll")} if (Path(folder.value) / "nvml.dll").exists() else set())
    if sys.platform == "darwin":
        return frozenset({("apple", "apple")} if platform.machine() == "arm64" else set())
    found: set[tuple[str, str]] = set()
    for number, (vendor, drivers) in _VENDORS.items():
        cards = sysfs.displays(root, number, (sysfs.DISPLAY, sysfs.ACCELERATOR))
        found |= {(vendor, card.address) for card in cards if card.driver in drivers}
    nodes = ("dev/nvidiactl", "dev/dxg")  # in a container, on Jetson; in Windows' Linux
    return frozenset(found | {("nvidia", node) for node in nodes if (root / node).exists()})


def _bare(card: GpuSample, state: State) -> GpuSample:
    """A card of which nothing but what does not change is known."""
    return replace(
        GpuSample(card.key, card.name, card.vendor, state), memory_total=card.memory_total, unified=card.unified
    )


_TITLES = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel", "apple": "Apple"}


def _silent(name: str) -> Phrase:
    return Phrase(
        f"The driver of {name} does not answer. DeskSeek asks again now and then; restarting the computer often helps.",
        f"{name} 的驱动没有响应。DeskSeek 会不时重试；重启电脑通常可以解决。",
    )


def _lost(name: str) -> Phrase:
    return Phrase(
        f"{name} does not work any more. Restart the computer; if that does not help, check its power cable and seat.",
        f"{name} 已无法工作。请重启电脑；若仍无效，请检查供电线和插槽。",
    )
