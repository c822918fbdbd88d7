"""How much of a card's memory processes hold, as the Linux kernel tells of each open graphics device.

    /proc/PID/fdinfo/7      drm-pdev: 0000:03:00.0    drm-client-id: 12    drm-resident-vram0: 23992 KiB

Source: kernel documentation, gpu/drm-usage-stats.rst (`drm-resident-<region>`, `drm-total-<region>`) and amdgpu's older
`drm-memory-<region>`; for AMD's compute driver (ROCm) /sys/class/kfd/kfd/proc/PID/vram_<id>.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from backends.hardware import sysfs

_LOOK = 5.0  # seconds until open files are looked through again
_OWN = ("vram", "local")  # beginnings of the regions that lie on the card
_UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class Clients:
    """Of the processes that are asked for."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._root, self._clock = root, clock
        self._looked = -_LOOK
        self._asked: tuple[int, ...] = ()
        self._open: list[str] = []  # what tells of an open graphics device
        self._readable = False

    def memory(self, address: str, pids: Sequence[int], *, shared: bool) -> int | None:
        """Bytes that they hold of the card at that address, `shared`: of the machine's memory too. None if their files
        cannot be looked at."""
        self._look(tuple(pids))
        if not self._readable:
            return None
        told = filter(None, (_drm_lines(sysfs.peek(path)) for path in self._open))
        held = {lines["drm-client-id"]: _held(lines, shared) for lines in told if lines.get("drm-pdev") == address}
        return max(sum(held.values()), _computing(self._root, address, pids))

    def _look(self, pids: tuple[int, ...]) -> None:
        if pids == self._asked and self._clock() - self._looked < _LOOK:
            return
        self._asked, self._looked = pids, self._clock()
        self._open, self._readable = [], False
        for pid in pids:
            try:
                files = list((self._root / f"proc/{pid}/fd").iterdir())
            except OSError:
                continue  # it has ended
            self._readable = True
            self._open += [f"{self._root}/proc/{pid}/fdinfo/{file.name}" for file in files if _is_graphics(file)]


def _is_graphics(file: Path) -> bool:
    try:
        return str(file.readlink()).startswith("/dev/dri/")
    except OSError:
        return False


def _drm_lines(text: bytes | None) -> dict[str, str] | None:
    pairs = (line.partition(":") for line in (text or b"").decode("ascii", "replace").splitlines())
    lines = {key: value.strip() for key, _, value in pairs if key.startswith("drm-")}
    return lines if "drm-client-id" in lines else None


def _held(lines: dict[str, str], shared: bool) -> int:
    """Of each region what is there now, else what was asked for."""
    regions: dict[str, int] = {}
    for kind in ("memory", "total", "resident"):  # the last one counts
        for key, value in lines.items():
            region = key.removeprefix(f"drm-{kind}-")
            if region != key and (shared or region.startswith(_OWN)) and "cycles" not in region:
                number, _, unit = value.partition(" ")
                regions[region] = int(number) * _UNITS.get(unit, 1) if number.isdecimal() else 0
    return sum(regions.values())


def _computing(root: Path, address: str, pids: Iterable[int]) -> int:
    """Bytes held through AMD's compute driver."""
    kfd = root / "sys/class/kfd/kfd"
    folders = [folder for pid in pids if (folder := kfd / f"proc/{pid}").is_dir()]
    if not folders:
        return 0
    for node in sysfs.matching(kfd / "topology/nodes", "*"):
        lines = (line.split() for line in (sysfs.peek(str(node / "properties")) or b"").splitlines())
        told = {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[1].isdigit()}
        place = told.get(b"location_id", 0)
        if f"{told.get(b'domain', 0):04x}:{place >> 8:02x}:{place >> 3 & 31:02x}.{place & 7}" == address:
            number = sysfs.reading(str(node / "gpu_id"))
            return sum(sysfs.reading(str(folder / f"vram_{number}")) or 0 for folder in folders)
    return 0
