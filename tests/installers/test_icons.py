"""The application's icon is what its drawing says, in every size and container."""

import shutil
import struct
from pathlib import Path

from PySide6.QtGui import QImage

from backends.core.paths import resource
from installers import icons


def ink(image: QImage, x: int, y: int) -> tuple[int, int, int, int]:
    color = image.pixelColor(x, y)
    return color.red(), color.green(), color.blue(), color.alpha()


def test_the_pictures_are_those_of_the_drawing(tmp_path: Path) -> None:
    """Whoever changes the drawing draws the pictures anew: `python -m installers.icons`."""
    folder = resource("icons/app")
    for path in folder.glob("*.svg"):
        shutil.copy(path, tmp_path)
    icons.draw(tmp_path)
    assert set(icons.pictures(folder)) == set(icons.SIZES)
    for size in icons.SIZES:
        kept, drawn = (QImage(str(place / f"deskseek-{size}.png")) for place in (folder, tmp_path))
        assert (kept.width(), kept.height()) == (size, size)
        places = [(x, y) for x in range(0, size, 1 + size // 64) for y in range(0, size, 1 + size // 64)]
        far = max(abs(a - b) for x, y in places for a, b in zip(ink(kept, x, y), ink(drawn, x, y), strict=True))
        assert far <= 8, f"{size}: another version of Qt may round differently, but not draw something else"


def test_the_icon_of_windows_holds_every_size() -> None:
    path = resource("icons/app/deskseek.ico")
    data = path.read_bytes()
    reserved, kind, count = struct.unpack_from("<HHH", data)
    assert (reserved, kind, count) == (0, 1, len(icons.SIZES))
    for place, size in enumerate(icons.SIZES):
        width, height, _, _, planes, bits, length, offset = struct.unpack_from("<BBBBHHII", data, 6 + 16 * place)
        assert (width or 256, height or 256, planes, bits) == (size, size, 1, 32)
        assert offset + length <= len(data)
        body = data[offset : offset + length]
        assert body.startswith(b"\x89PNG") if size == 256 else body.startswith(struct.pack("<Iii", 40, size, 2 * size))
    assert QImage(str(path)).pixelColor(8, 8).alpha() == 255
