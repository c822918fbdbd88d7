"""The limits of the process that reads: memory, processor time and no network, kept by the system (SEC-46).

Linux and macOS: setrlimit; macOS does not enforce RLIMIT_AS for every process, the limit on time holds there. Windows:
a job object (CreateJobObject, JOB_OBJECT_LIMIT_PROCESS_MEMORY and _PROCESS_TIME); written, not run here.
"""

import contextlib
import ctypes
import importlib
import sys
import time
from pathlib import Path
from typing import Any

from backends.documents.extract.asked import MIB, Asked

_TICKS = 10_000_000  # of FILETIME in a second
_PROCESS_TIME, _PROCESS_MEMORY, _EXTENDED = 0x2, 0x100, 9
_NEW_USERS, _NEW_NETWORK = 0x1000_0000, 0x4000_0000  # CLONE_NEWUSER, CLONE_NEWNET
_jobs: list[int] = []


def leave_network() -> bool:
    """Go to a network of its own where there is nothing, not even this machine: what parses a file in native code
    cannot send it anywhere. Linux, where the system lets everybody make one; to be called before there are threads.
    Whether it was let."""
    if sys.platform != "linux":
        return False
    system = ctypes.CDLL(None)
    return system.unshare(_NEW_NETWORK) == 0 or system.unshare(_NEW_USERS | _NEW_NETWORK) == 0


class Allowance:
    """What this process may take for one file of `size` bytes. POSIX ends it with SIGXCPU when its seconds are over."""

    def __init__(self, asked: Asked, size: int) -> None:
        limits = asked.limits
        self._memory = limits.recognising if asked.recognise else limits.memory
        self._step = limits.recognising_step if asked.recognise else limits.seconds_per_step
        self._until = time.process_time() + limits.seconds + limits.seconds_per_mib * size / MIB
        _limit(self._memory, self._until)

    def earn(self, steps: int) -> None:
        """So many pages or pieces are done: there is time for as many more."""
        if steps:
            self._until += steps * self._step
            _limit(self._memory, self._until)


def _limit(memory: int, until: float) -> None:
    """`until`: seconds of processor time since the process began."""
    if sys.platform == "win32":
        _job(memory, until)
        return
    resource = importlib.import_module("resource")
    for what, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, int(until) + 1)):
        hard = resource.getrlimit(what)[1]
        if hard != resource.RLIM_INFINITY:  # of the system: a process that reaches that for time gets SIGKILL
            most = min(most, hard - 1)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (most, hard))


def peak() -> int:
    """Bytes of memory this process had at most; 0 where nobody says."""
    if sys.platform == "win32":
        return 0
    if sys.platform == "linux":  # ru_maxrss would count what the process that started this one had
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    resource = importlib.import_module("resource")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


class _Basic(ctypes.Structure):
    _fields_ = [  # JOBOBJECT_BASIC_LIMIT_INFORMATION
        ("process_time", ctypes.c_int64),
        ("job_time", ctypes.c_int64),
        ("flags", ctypes.c_uint32),
        ("smallest", ctypes.c_size_t),
        ("largest", ctypes.c_size_t),
        ("processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority", ctypes.c_uint32),
        ("scheduling", ctypes.c_uint32),
    ]


class _Extended(ctypes.Structure):
    _fields_ = [  # JOBOBJECT_EXTENDED_LIMIT_INFORMATION
        ("basic", _Basic),
        ("io", ctypes.c_uint64 * 6),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("peak_process", ctypes.c_size_t),
        ("peak_job", ctypes.c_size_t),
    ]


def _job(memory: int, seconds: float) -> None:
    kernel: Any = ctypes.__dict__["windll"].kernel32
    kernel.CreateJobObjectW.restype = kernel.GetCurrentProcess.restype = ctypes.c_void_p
    if not _jobs:
        job = kernel.CreateJobObjectW(None, None)
        if not job or not kernel.AssignProcessToJobObject(ctypes.c_void_p(job), ctypes.c_void_p(-1)):
            return  # the parent's limit on silence is left
        _jobs.append(job)
    told = _Extended(process_memory=memory)
    told.basic.flags = _PROCESS_TIME | _PROCESS_MEMORY
    told.basic.process_time = int(seconds * _TICKS)
    kernel.SetInformationJobObject(ctypes.c_void_p(_jobs[0]), _EXTENDED, ctypes.byref(told), ctypes.sizeof(told))
