"""Cards while they work, seen through the child process: NVIDIA's library is played (fake_nvml.c), so it can break."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled
from backends.hardware import probe
from backends.hardware.gpus import Gpus
from backends.hardware.sampler import Sampler
from backends.hardware.samples import GpuSample, Program
from tests.hardware.conftest import Played

GIB = 1 << 30
LONG = 120.0  # seconds that nobody waits, unless something is wrong
SHORT = 2.0  # seconds until a call counts as hanging

ME = os.getpid()
CARD = {
    "NAME": "NVIDIA GeForce RTX 4090",
    "PCI": "00000000:01:00.0",
    "MEMORY": f"{24 * GIB} {20 * GIB}",
    "USE": "97 33",
    "POWER": 312_500,
    "POWER_LIMIT": 450_000,
    "TEMPERATURE": 71,
    "LIMIT_1": 99,
    "LIMIT_3": 83,
    "CLOCK_0": 1800,
    "CLOCK_MAX": 2520,
    "CLOCK_2": 10501,
    "FAN": 44,
    "THROTTLES": 4 + 8 + 64,
    "PCIE": "4 8",
    "PCIE_MAX": "4 16",
    "THROUGHPUT": "120000 5",
    "HOLD": f"{ME} {3 * GIB} 77 {GIB // 2}",
    "DRAW": f"78 {GIB // 4} 77 {GIB // 2}",
}
PROGRAMS = {"PROGRAM_77": "/usr/bin/blender", "PROGRAM_78": "C:\\Windows\\System32\\dwm.exe"}
SAMPLE = GpuSample(
    key="0000:01:00.0",
    name="NVIDIA GeForce RTX 4090",
    vendor="nvidia",
    use=0.97,
    memory_use=0.33,
    memory_total=24 * GIB,
    memory_used=4 * GIB,
    memory_own=3 * GIB,
    power=312.5,
    power_limit=450.0,
    temperature=71.0,
    temperature_limit=83.0,
    clock=1800.0,
    clock_limit=2520.0,
    memory_clock=10501.0,
    fan=0.44,
    throttles=("heat", "power"),
    pcie_generation=4,
    pcie_generation_limit=4,
    pcie_lanes=8,
    pcie_lanes_limit=16,
    pcie_received=120e6,
    pcie_sent=5e3,
    programs=(Program("blender", GIB // 2), Program("dwm.exe", GIB // 4)),
)


def machine(*cards: Mapping[str, object], **more: object) -> dict[str, object]:
    """What the played library says of these cards."""
    told = {f"{n}_{field}": value for n, card in enumerate(cards) for field, value in card.items()}
    return {"COUNT": len(cards), **told, **PROGRAMS, **more}


def cards(count: int) -> list[dict[str, object]]:
    return [{**CARD, "NAME": f"card {n}", "PCI": f"00000000:{n + 1:02x}:00.0"} for n in range(count)]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gpus_of(played: Played, clock: Clock) -> Iterator[Callable[..., Gpus]]:
    made: list[Gpus] = []

    def make(patience: float = LONG, opening: float = LONG) -> Gpus:
        made.append(Gpus(played.tree.root, patience, clock, opening))
        return made[-1]

    yield make
    for gpus in made:
        gpus.close()


def look(gpus: Gpus) -> list[GpuSample]:
    return list(gpus.sample([ME], CancelToken(), LONG))


def states(gpus: Gpus) -> list[str]:
    return [card.state for card in look(gpus)]


def test_a_card_with_everything_told(played: Played, gpus_of: Callable[..., Gpus]) -> None:
    played.say(machine(CARD))
    gpus = gpus_of()
    assert look(gpus) == [SAMPLE]
    assert SAMPLE.memory_others == GIB
    assert gpus.notes() == ()


MISSING = {
    "USE": ("use", "memory_use"),
    "MEMORY": ("memory_total", "memory_used"),
    "POWER": ("power",),
    "TEMPERATURE": ("temperature",),
    "CLOCK_0": ("clock",),
    "CLOCK_2": ("memory_clock",),
    "FAN": ("fan",),
    "THROTTLES": ("throttles",),
    "PCIE": ("pcie_generation", "pcie_lanes"),
    "THROUGHPUT": ("pcie_received", "pcie_sent"),
}


def test_each_number_may_be_missing_by_itself(played: Played, gpus_of: Callable[..., Gpus]) -> None:
    gpus = gpus_of()
    for field, names in MISSING.items():
        played.say(machine({**CARD, field: "error 999"}))
        assert look(gpus) == [replace(SAMPLE, **dict.fromkeys(names))], field


def test_what_is_asked_seldom_may_be_missing_too(played: Played, gpus_of: Callable[..., Gpus]) -> None:
    seldom = ("NAME", "PCI", "POWER_LIMIT", "LIMIT_1", "LIMIT_3", "CLOCK_MAX", "PCIE_MAX", "HOLD", "DRAW")
    played.say(machine({**CARD, **dict.fromkeys(seldom, "error 3")}))
    unknown = dict.fromkeys(
        ("power_limit", "temperature_limit", "clock_limit", "pcie_generation_limit", "pcie_lanes_limit", "memory_own")
    )
    [card] = look(gpus_of())
    assert card == replace(SAMPLE, key="nvidia-0", name="NVIDIA 0", programs=(), **unknown)


def test_bytes_over_the_bus_are_counted_where_the_card_counts(played: Played, gpus_of: Callable[..., Gpus]) -> None:
    gpus = gpus_of()
    played.say(machine({**CARD, "BYTES": "1000 2000"}))
    assert look(gpus)[0].pcie_received is None
    played.say(machine({**CARD, "BYTES": "5000 4000"}))
    [card] = look(gpus)
    assert card.pcie_received is not None
    assert card.pcie_sent is not None
    assert card.pcie_received == pytest.approx(2 * card.pcie_sent)
    played.say(machine({**CARD, "BYTES": "1 1"}))  # it began anew
    assert look(gpus)[0].pcie_received is None


def test_the_memory_of_our_children_is_ours(played: Played, gpus_of: Callable[..., Gpus]) -> None:
    played.say(machine({**CARD, "HOLD": f"{ME} {GIB} 4242 {2 * GIB} 77 {GIB // 2}"}))
    [card] = gpus_of().sample([ME, 4242], CancelToken(), LONG)
    assert (card.memory_own, card.programs[0].name) == (3 * GIB, "blender")


def test_windows_does_not_tell_who_holds_how_much(played: Played, gpus_of: Callable[..., Gpus]) -> None:
    unknown = (1 << 64) - 1
    played.say(machine({**CARD, "HOLD": f"{ME} {unknown} 77 {unknown}", "DRAW": ""}))
    [card] = look(gpus_of())
    assert (card.memory_own, card.programs) == (None, (Program("blender"),))


def test_of_a_split_card_the_first_part_has_the_memory(played: Played, gpus_of: Callable[..., Gpus]) -> None:
    part = {
        "MIG": 1,
        "PARTS": 7,
        "PART_2_NAME": "A100 MIG 2g.10gb",
        "PART_2_MEMORY": f"{10 * GIB} {GIB}",
        "PART_2_HOLD": f"{ME} {GIB}",
    }
    played.say(machine({**CARD, **part}))
    [card] = look(gpus_of())
    assert (card.name, card.memory_total, card.memory_used) == ("A100 MIG 2g.10gb", 10 * GIB, 9 * GIB)
    assert (card.memory_own, card.temperature) == (GIB, 71.0)


def test_eight_cards_and_one_that_is_lost_midway(played: Played, gpus_of: Callable[..., Gpus], clock: Clock) -> None:
    eight = cards(8)
    played.say(machine(*eight))
    gpus = gpus_of()
    assert [card.name for card in look(gpus)] == [f"card {n}" for n in range(8)]
    first = gpus.pid
    eight[3]["TEMPERATURE"] = "error 15"
    played.say(machine(*eight))
    seen = look(gpus)
    assert [card.state for card in seen] == ["ok"] * 3 + ["lost"] + ["ok"] * 4
    assert seen[3] == GpuSample("0000:04:00.0", "card 3", "nvidia", "lost", memory_total=24 * GIB)
    [note] = gpus.notes()
    assert "card 3" in note.en
    assert "card 3" in note.zh
    del eight[3]["TEMPERATURE"]  # well again, but nobody asks it yet
    played.say(machine(*eight))
    assert states(gpus)[3] == "lost"
    assert gpus.pid == first
    clock.now += 10
    assert states(gpus) == ["ok"] * 8
    assert gpus.pid != first
    assert gpus.notes() == ()


def test_a_card_that_was_lost_before_we_came(played: Played, gpus_of: Callable[..., Gpus]) -> None:
    """It has no name for us but the kernel's."""
    played.tree.card("0000:01:00.0", "10de:2684:a1", driver="nvidia")
    played.tree.card("0000:02:00.0", "10de:2684:a1", driver="nvidia")
    played.say(machine({"HANDLE": "error 15"}, CARD | {"PCI": "00000000:02:00.0"}))
    lost, well = look(gpus_of())
    assert (lost.key, lost.state, well.key, well.state) == ("0000:01:00.0", "lost", "0000:02:00.0", "ok")
    assert lost.name.startswith("NVIDIA")


def test_a_card_that_this_user_may_not_use(played: Played, gpus_of: Callable[..., Gpus]) -> None:
    played.say(machine({"HANDLE": "error 4"}, CARD))
    assert states(gpus_of()) == ["denied", "ok"]


def test_a_card_that_hangs_leaves_the_others(played: Played, gpus_of: Callable[..., Gpus], clock: Clock) -> None:
    three = cards(3)
    played.say(machine(*three))
    gpus = gpus_of(SHORT)
    assert states(gpus) == ["ok"] * 3
    hung = psutil.Process(gpus.pid)
    three[1]["POWER"] = "hang"
    played.say(machine(*three))
    assert states(gpus)[:2] == ["ok", "silent"]
    assert not hung.is_running() or hung.status() == psutil.STATUS_ZOMBIE
    assert "card 1" in gpus.notes()[0].en
    assert states(gpus) == ["ok", "silent", "ok"]  # a new child asks the others
    clock.now += 10
    three[2]["TEMPERATURE"] = 88
    played.say(machine(*three))
    assert [card.temperature for card in look(gpus)] == [71, None, 88]  # it is asked last, and hangs still
    clock.now += 10
    child = gpus.pid
    assert states(gpus) == ["ok", "silent", "ok"]  # now it has 20 s
    three[1]["POWER"] = 1000
    played.say(machine(*three))
    assert states(gpus) == ["ok", "silent", "ok"]
    clock.now += 10
    assert states(gpus) == ["ok"] * 3
    assert gpus.pid != child


def test_a_driver_that_hangs_from_the_start(played: Played, gpus_of: Callable[..., Gpus], clock: Clock) -> None:
    """The kernel still lists its card; no child is kept for it."""
    played.tree.card("0000:01:00.0", "10de:2684:a1", driver="nvidia")
    played.say(machine(CARD, INIT="hang"))
    gpus = gpus_of(opening=SHORT)
    [card] = look(gpus)
    assert (card.key, card.state) == ("0000:01:00.0", "silent")
    assert card.name.startswith("NVIDIA")
    assert "NVIDIA" in gpus.notes()[0].en
    assert gpus.pid is None
    played.say(machine(CARD))
    assert states(gpus) == ["silent"]
    assert gpus.pid is None
    clock.now += 10
    assert look(gpus) == [SAMPLE]
    assert gpus.notes() == ()


def test_a_driver_updated_under_the_running_program(played: Played, gpus_of: Callable[..., Gpus], clock: Clock) -> None:
    """The old library no longer fits the kernel's part; a new child loads the new one, once both fit."""
    played.say(machine(*cards(2)))
    gpus = gpus_of()
    assert states(gpus) == ["ok", "ok"]
    old = gpus.pid
    played.say(machine(*({**card, "USE": "error 18"} for card in cards(2)), INIT="error 18"))
    assert states(gpus) == ["lost", "lost"]
    [note] = gpus.notes()
    assert "updated" in note.en
    clock.now += 10
    assert states(gpus) == ["lost", "lost"]
    played.say(machine(*({**card, "NAME": "newly driven"} for card in cards(2))))
    clock.now += 10
    assert states(gpus) == ["lost", "lost"]  # the second time it is left alone for 20 s
    clock.now += 10
    assert [card.name for card in look(gpus)] == ["newly driven"] * 2
    assert gpus.pid != old
    assert gpus.notes() == ()


def test_a_child_that_died_unasked_is_replaced_without_a_word(played: Played, gpus_of: Callable[..., Gpus]) -> None:
    played.say(machine(CARD))
    gpus = gpus_of()
    look(gpus)
    assert gpus.pid is not None
    os.kill(gpus.pid, signal.SIGKILL)
    assert look(gpus) == [SAMPLE]
    assert gpus.notes() == ()


def test_without_a_card_there_is_no_child_until_one_is_plugged_in(
    played: Played, gpus_of: Callable[..., Gpus], clock: Clock
) -> None:
    (played.tree.root / "dev/nvidiactl").unlink()
    played.say(machine(CARD))
    gpus = gpus_of()
    assert look(gpus) == []
    assert gpus.pid is None
    played.tree.write("dev/nvidiactl", "")
    assert look(gpus) == []
    clock.now += 60
    assert look(gpus) == [SAMPLE]


def test_an_unplugged_card_is_no_more(played: Played, gpus_of: Callable[..., Gpus], clock: Clock) -> None:
    (played.tree.root / "dev/nvidiactl").unlink()
    folder = played.tree.card("0000:02:00.0", "10de:2684:a1", driver="nvidia")
    played.tree.card("0000:01:00.0", "10de:2684:a1", driver="nvidia")
    two = cards(2)
    played.say(machine(*two))
    gpus = gpus_of()
    assert states(gpus) == ["ok", "ok"]
    two[1]["USE"] = "error 15"
    played.say(machine(*two))
    assert states(gpus) == ["ok", "lost"]
    (folder / "class").unlink()
    played.say(machine(two[0]))
    clock.now += 60
    assert [card.key for card in look(gpus)] == ["0000:01:00.0"]
    assert gpus.notes() == ()


def test_what_rests_does_not_disturb_who_is_well(played: Played, gpus_of: Callable[..., Gpus], clock: Clock) -> None:
    """One NVIDIA card is lost, then the whole driver breaks: AMD's is asked on, by one and the same child."""
    files = {"gpu_busy_percent": "55"}
    played.tree.card("0000:0c:00.0", "1002:744c:c8", driver="amdgpu", files=files)
    two = cards(2)
    two[0]["USE"] = "error 15"
    played.say(machine(*two))
    gpus = gpus_of()
    assert states(gpus) == ["ok", "lost", "ok"]
    clock.now += 5
    two[1]["USE"] = "error 9"
    played.say(machine(*two, INIT="error 9"))
    assert states(gpus) == ["ok", "lost", "lost"]
    child = gpus.pid
    clock.now += 6
    assert [states(gpus), states(gpus)] == [["ok", "lost", "lost"]] * 2
    assert gpus.pid == child
    clock.now += 4
    assert states(gpus) == ["ok", "lost", "lost"]
    assert gpus.pid != child


def test_a_card_that_sleeps_is_not_woken(played: Played, gpus_of: Callable[..., Gpus]) -> None:
    played.say(machine(CARD))
    gpus = gpus_of()
    assert look(gpus) == [SAMPLE]
    played.tree.write("sys/bus/pci/devices/0000:01:00.0/power/runtime_status", "suspended\n")
    assert look(gpus) == [GpuSample(SAMPLE.key, SAMPLE.name, "nvidia", use=0.0, power=0.0)]


def test_a_driver_without_cards_is_no_trouble(played: Played, gpus_of: Callable[..., Gpus], clock: Clock) -> None:
    played.say({"COUNT": 0})
    gpus = gpus_of()
    assert look(gpus) == []
    clock.now += 100
    assert look(gpus) == []
    assert gpus.notes() == ()


def test_a_sample_that_is_cancelled_ends_at_once(played: Played, gpus_of: Callable[..., Gpus]) -> None:
    """The call hangs and is waited for long; a cancel gets through."""
    played.say(machine({**CARD, "POWER": "hang"}))
    gpus, token, ended = gpus_of(), CancelToken(), threading.Event()

    def sample() -> None:
        with pytest.raises(Cancelled):
            gpus.sample([ME], token, 10 * LONG)
        ended.set()

    thread = threading.Thread(target=sample)
    thread.start()
    token.cancel()
    thread.join(LONG / 2)
    assert ended.is_set()


def test_a_sampler_tells_the_machine_and_its_cards(played: Played, tmp_path: Path) -> None:
    """A card without a memory of its own has the machine's; `close` takes the child along."""
    played.tree.write("proc/meminfo", f"MemTotal: {64 << 20} kB\nMemFree: 1 kB\nMemAvailable: {40 << 20} kB\n")
    played.say(machine({**CARD, "MEMORY": "error 3"}))
    sampler = Sampler(tmp_path, root=played.tree.root, patience=LONG)
    sample = sampler.sample(CancelToken())
    [card] = sample.gpus
    assert (card.unified, card.memory_total, card.memory_used) == (True, 64 * GIB, 24 * GIB)
    assert sample.system.memory_total == 64 * GIB
    assert sample.notes == ()
    [child] = [one for one in psutil.Process().children() if "backends.hardware.gpu_child" in one.cmdline()]
    sampler.close()
    psutil.wait_procs([child], timeout=LONG)
    assert not child.is_running()


@pytest.mark.gpu
def test_a_real_card(tmp_path: Path) -> None:
    [machine] = probe.probe(tmp_path, cancel=CancelToken())
    if not machine.gpus:
        pytest.skip("no GPU")
    sampler = Sampler(tmp_path, patience=30.0)
    sampler.sample(CancelToken())
    sample = sampler.sample(CancelToken())
    sampler.close()
    assert [card.name for card in sample.gpus] == [gpu.name for gpu in machine.gpus], sample.notes
    for card in sample.gpus:
        assert card.state == "ok"
        assert card.memory_total
        assert card.memory_used is None or 0 <= card.memory_used <= card.memory_total
        assert card.temperature is None or 0 < card.temperature < 120
        assert card.use is None or 0 <= card.use <= 1
