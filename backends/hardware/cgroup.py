"""What a container or a service unit allows this process, as the kernel's control groups say it (Linux).

Source: kernel documentation, admin-guide/cgroup-v2.rst and admin-guide/cgroup-v1/{memory,cpuacct}.rst. A limit of
any group above ours counts too; the smallest wins. In a container the path of our group may not exist below the
mount: then the mount itself is our group, and the walk upwards ends there anyway.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

MOUNT = Path("sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Limits:
    """None: no limit. `memory_free` is what is left below the tightest limit, page cache counted as free (bytes)."""

    cpus: float | None = None
    memory: int | None = None
    memory_free: int | None = None


def read(root: Path = Path("/")) -> Limits:
    groups = list(_groups(root))
    quotas = [_cpu_quota_v2(folder) if version == 2 else _cpu_quota_v1(folder) for version, folder in groups]
    cpus = min((quota for quota in quotas if quota is not None), default=None)
    return replace(_tightest(groups), cpus=cpus)


def memory(root: Path = Path("/")) -> Limits:
    """As `read`, without the processors, for who asks every second."""
    return _tightest(_groups(root))


def _tightest(groups: Iterable[tuple[int, Path]]) -> Limits:
    told = (_memory_v2(folder) if version == 2 else _memory_v1(folder) for version, folder in groups)
    limits = [(limit, max(0, limit - used)) for limit, used in told if limit is not None]
    least = [min(column) for column in zip(*limits, strict=True)]
    return Limits(None, *least)


def _groups(root: Path) -> Iterator[tuple[int, Path]]:
    """Every group that binds this process: (version of the interface, its folder)."""
    for line in (_text(root / "proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            mounts = [root / MOUNT, root / MOUNT / "unified"]
            version, mount = 2, next((m for m in mounts if (m / "cgroup.controllers").exists()), None)
        else:
            names = [controllers, *controllers.split(",")]
            wanted = {"cpu", "memory"} & set(names)
            version, mount = 1, next((root / MOUNT / n for n in names if wanted and (root / MOUNT / n).is_dir()), None)
        if mount is None:
            continue
        folder = mount / path.lstrip("/")
        while folder != mount and folder.is_relative_to(mount):
            yield version, folder
            folder = folder.parent
        yield version, mount


def _cpu_quota_v2(folder: Path) -> float | None:
    words = (_text(folder / "cpu.max") or "max").split()
    return None if words[0] == "max" else int(words[0]) / int(words[1])


def _cpu_quota_v1(folder: Path) -> float | None:
    quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
    return quota / period if quota is not None and quota > 0 and period else None


def _memory_v2(folder: Path) -> tuple[int | None, int]:
    limits = [n for n in (_number(folder / "memory.max"), _number(folder / "memory.high")) if n is not None]
    used = _number(folder / "memory.current") or 0
    return min(limits, default=None), used - _statistic(folder, "inactive_file")


def _memory_v1(folder: Path) -> tuple[int | None, int]:
    used = _number(folder / "memory.usage_in_bytes") or 0
    return _number(folder / "memory.limit_in_bytes"), used - _statistic(folder, "total_inactive_file")


def _statistic(folder: Path, name: str) -> int:
    for line in (_text(folder / "memory.stat") or "").splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0


def _number(path: Path) -> int | None:
    text = _text(path)
    return None if text is None or text == "max" else int(text)


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
