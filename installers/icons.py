"""The application's icon: drawn from its SVG in every size, and in the containers that Windows and macOS want.

`python -m installers.icons` draws `resources/icons/app` anew from `deskseek.svg`, and from `deskseek-small.svg` where
there is no room for its lines; this needs Qt, what is done at installation does not.

An ICNS file is the magic `icns` and its length, then entries of a four-letter type, their length, and the data; since
macOS 10.7 the data may be a PNG (Apple's "Icon Composer" types, as libicns documents them). An ICO file is a header,
an entry of 16 bytes a picture, and the pictures: a PNG for 256 pixels, else a Windows bitmap of twice the height, whose
lower half is a mask of one bit a pixel (Microsoft, "Icons", and the ICONDIR of the Windows resource formats).
"""

import re
import struct
from pathlib import Path

SMALL = (16, 24)  # drawn from the SVG of few strokes
FULL = (32, 48)  # without the margin, which would not lie on whole pixels
SIZES = (*SMALL, *FULL, 64, 128, 256)
_MARGIN, _SIDE = 12, 256  # of the SVG

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


def ico(pictures: dict[int, bytes]) -> bytes:
    """An ICO from pictures by their size: the PNG for 256, below it 32-bit BGRA rows from the top, without padding."""
    entries, bodies, offset = [], [], 6 + 16 * len(pictures)
    for size, data in sorted(pictures.items()):
        body = data if size >= _SIDE else _bitmap(size, data)
        entries.append(struct.pack("<BBBBHHII", size % _SIDE, size % _SIDE, 0, 0, 1, 32, len(body), offset))
        bodies.append(body)
        offset += len(body)
    return struct.pack("<HHH", 0, 1, len(pictures)) + b"".join(entries) + b"".join(bodies)


def _bitmap(size: int, bgra: bytes) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, size, 2 * size, 1, 32, 0, 0, 0, 0, 0, 0)
    rows = [bgra[start : start + 4 * size] for start in range(0, len(bgra), 4 * size)]
    mask = bytes((size + 31) // 32 * 4 * size)  # what is seen through is said by the alpha
    return header + b"".join(reversed(rows)) + mask


def draw(folder: Path) -> None:
    """Every `deskseek-SIZE.png` and `deskseek.ico` of `folder` from the SVGs there."""
    from PySide6.QtCore import QRectF
    from PySide6.QtGui import QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    made: dict[int, bytes] = {}
    for size in SIZES:
        renderer = QSvgRenderer(str(folder / ("deskseek-small.svg" if size in SMALL else "deskseek.svg")))
        if size in FULL:
            renderer.setViewBox(QRectF(_MARGIN, _MARGIN, _SIDE - 2 * _MARGIN, _SIDE - 2 * _MARGIN))
        image = QImage(size, size, QImage.Format.Format_ARGB32)
        image.fill(0)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        renderer.render(painter)
        painter.end()
        path = folder / f"deskseek-{size}.png"
        image.save(str(path))
        made[size] = path.read_bytes() if size >= _SIDE else bytes(image.constBits())
    (folder / "deskseek.ico").write_bytes(ico(made))


if __name__ == "__main__":
    draw(Path(__file__).resolve().parents[1] / "resources" / "icons" / "app")
