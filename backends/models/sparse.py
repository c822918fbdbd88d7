"""Files with holes: as large as a model, and holding no more than its header.

Where a volume has none (FAT32, exFAT, some network shares), such a file would take all the gigabytes that it claims;
there none is made.
"""

import ctypes
import os
import sys
import tempfile
from pathlib import Path

_PROBE = 4 << 20  # bytes
_FSCTL_SET_SPARSE = 0x000900C4  # winioctl.h


def has_holes(folder: Path) -> bool:
    """Whether files in `folder` may have holes: tried with one that is small. False, too, if nothing can be written."""
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".holes-") as scratch:
            probe = Path(scratch) / "probe"
            write(probe, b"\1", _PROBE)
            return sys.platform == "win32" or probe.stat().st_blocks * 512 < _PROBE // 2
    except OSError:
        return False


def write(path: Path, head: bytes, size: int) -> None:
    """A new file of `size` bytes that begins with `head`; the rest is a hole. OSError where there can be none."""
    with path.open("xb") as file:
        if sys.platform == "win32":
            _allow_holes(file.fileno())
        file.write(head)
        file.truncate(max(size, len(head)))


def _allow_holes(descriptor: int) -> None:
    """NTFS fills a file with zeros unless it was told before. OSError where the volume knows no holes."""
    if sys.platform == "win32":
        import msvcrt

        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        handle, given = ctypes.c_void_p(msvcrt.get_osfhandle(descriptor)), ctypes.c_ulong()
        done = kernel.DeviceIoControl(handle, _FSCTL_SET_SPARSE, None, 0, None, 0, ctypes.byref(given), None)
        if not done:
            raise OSError(ctypes.get_last_error(), os.strerror(22))
