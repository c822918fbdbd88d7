"""Where weights stay in main memory: locked there, near the processor that reads them."""

import sys
from collections.abc import Iterator

from backends.core.phrase import Phrase
from backends.engine import native
from backends.engine.native_log import Told
from backends.engine.protocol import LoadRequest
from backends.hardware import cpu

_NOT_LOCKED = ("failed to mlock", "failed to VirtualLock", "mlock not supported", "Failed to set working set")
_LIMIT = {
    "linux": Phrase(
        "The limit for locked memory is too low (ulimit -l; memlock in /etc/security/limits.conf).",
        "锁定内存的上限过低（ulimit -l，或 /etc/security/limits.conf 中的 memlock）。",
    ),
    "win32": Phrase(
        "Windows gives a program so much only with the right “Lock pages in memory”.",
        "在 Windows 中需要“锁定内存页”权限。",
    ),
    "darwin": Phrase(
        "macOS limits it (sysctl vm.user_wire_limit, vm.global_user_wire_limit).",
        "macOS 对此有限制（sysctl vm.user_wire_limit、vm.global_user_wire_limit）。",
    ),
}


def spread(request: LoadRequest) -> Iterator[Phrase]:
    """Before a load: on a machine with several memory nodes, if that is wanted. What did not come of it."""
    if not request.numa:
        return
    if cpu.memory_nodes() > 1:
        native.spread_over_nodes()
        return
    yield Phrase(
        "This computer has one memory node: there is nothing to spread the work over.",
        "这台电脑只有一个内存节点，无需分布计算。",
    )


def locked(request: LoadRequest, told: Told) -> Iterator[Phrase]:
    """After a load: that the system would not lock its weights, by what llama.cpp said. They are used all the same."""
    if request.lock_memory and told.says(*_NOT_LOCKED):
        why = _LIMIT.get(sys.platform, Phrase("", ""))
        en = f"The system does not let the model be locked in memory: it may be moved to the disk. {why.en}"
        yield Phrase(en.strip(), f"系统不允许将模型锁定在内存中，可能会被换出到磁盘。{why.zh}")
