"""The application's icon in the container that macOS wants.

An ICNS file is the magic `icns` and its length, then entries of a four-letter type, their length, and the data; since
macOS 10.7 the data may be a PNG (Apple's "Icon Composer" types, as libicns documents them).
"""

import re
import struct
from pathlib import Path

_TYPES = {16: b"icp4", 32: b"icp5", 64: b"icp6", 128: b"ic07", 256: b"ic08", 512: b"ic09", 1024: b"ic10"}


def icns(pictures: dict[int, bytes]) -> bytes:
    """An ICNS from square PNGs by their size in pixels; sizes that the format does not know are left out."""
    entries = [
        _TYPES[size] + struct.pack(">I", 8 + len(data)) + data
        for size, data in sorted(pictures.items())
        if size in _TYPES
    ]
    body = b"".join(entries)
    return b"icns" + struct.pack(">I", 8 + len(body)) + body


def pictures(folder: Path) -> dict[int, bytes]:
    """The `deskseek-SIZE.png` of `folder` by size."""
    found = {path: re.fullmatch(r"deskseek-(\d+)\.png", path.name) for path in folder.glob("deskseek-*.png")}
    return {int(match[1]): path.read_bytes() for path, match in found.items() if match}
