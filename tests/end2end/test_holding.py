"""Why is it slow? The monitor names it while it is so: no card to run on, memory that is full, a processor too hot."""

import threading
from pathlib import Path
from types import TracebackType

import pytest

from tests.end2end.person import CLEAN, Home
from tests.kit.ggufs import scripted_model
from tests.kit.machines import Tree

EVERY = 0.1  # seconds


class Machine:
    """Files of /proc and /sys as they are on a machine at work; what is `growing` counts up all the time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._tree = Tree(root)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.swapping = self.throttling = False
        self._pages = self._throttled = 0
        self._tree.write("proc/meminfo", "MemTotal: 8388608 kB\nMemAvailable: 262144 kB\nSwapTotal: 4194304 kB\n")
        self._tree.write("sys/class/hwmon/hwmon0/name", "coretemp\n")
        self._tree.write("sys/class/hwmon/hwmon0/temp1_label", "Package id 0\n")
        self._tree.write("sys/class/hwmon/hwmon0/temp1_input", "97000\n")
        self._count()

    def __enter__(self) -> "Machine":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(EVERY):
            self._pages += 5000 if self.swapping else 0
            self._throttled += 1 if self.throttling else 0
            self._count()

    def _count(self) -> None:
        """At once as a reader sees it."""
        throttled = "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count"
        counters = {"proc/vmstat": f"pswpin {self._pages}\npswpout 0\n", throttled: f"{self._throttled}\n"}
        for name, content in counters.items():
            self._tree.write(f"{name}.new", content)
            (self.root / f"{name}.new").replace(self.root / name)


@pytest.fixture
def talker(tmp_path: Path) -> Path:
    return scripted_model(tmp_path / "talker.gguf", "", "It goes on and on. ", name="Talker", endless=True, slow=40)


def test_layers_that_were_to_be_on_a_card_run_on_the_processor(home: Home, small: Path, tmp_path: Path) -> None:
    """As with an engine made for a card, on a machine whose card or driver is not there."""
    (tmp_path / "bare").mkdir()
    home.has(small, gpu_layers=20)
    with home.start(machine=tmp_path / "bare") as window:
        window.sees("Ask anything")
        window.presses("Monitor")
        window.sees("What holds it back", "20 layers were to be on a graphics card", "runs on the processor alone")
        window.presses("Check this machine")
        window.sees("Check again")
        assert window.is_closed() == CLEAN


def test_a_full_memory_and_a_hot_processor_are_named_as_long_as_they_last(
    home: Home, talker: Path, tmp_path: Path
) -> None:
    home.has(talker)
    with Machine(tmp_path / "machine") as machine, home.start(machine=machine.root) as window:
        window.sees("Ask anything")
        window.asks("Is all well?")
        window.sees("It goes on and on.")
        window.presses("Monitor")
        machine.swapping = machine.throttling = True
        window.sees("The memory is full: ", "go to and from the swap", "The processor is too hot (97 °C)")
        machine.swapping = machine.throttling = False
        window.sees_no_more("The memory is full", "too hot")
        machine.swapping = True
        window.sees("The memory is full")
        window.presses("Choose a model")
        window.sees("For this computer")
        assert window.is_closed() == CLEAN
