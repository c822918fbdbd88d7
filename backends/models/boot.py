"""Which run of the machine this is: what an earlier one wrote and did not flush may not be on the disk."""

import psutil

_SAME = 60.0  # seconds by which the system's idea of its start may move when its clock is set right


def this_boot() -> float:
    """When this machine was started, in seconds since 1970."""
    return psutil.boot_time()


def still_runs(boot: float) -> bool:
    """Whether the run of the machine that began then (0: it does not matter) is this one."""
    return not boot or abs(boot - this_boot()) < _SAME
