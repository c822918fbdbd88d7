"""Made machines: a file system root with the files of /proc, /sys and /dev that the hardware room looks at."""

from collections.abc import Mapping
from pathlib import Path


class Tree:
    """A file system root that is made up."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, content: str | bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            file.write_text(content, encoding="utf-8")

    def card(
        self,
        address: str,
        ids: str,
        *,
        driver: str | None,
        kind: str = "0x030000",
        node: str | None = None,
        files: Mapping[str, str | bytes] | None = None,
    ) -> Path:
        """A PCI card as Linux shows it. `ids` is "vendor:device:revision" in hex; `node` its file in /dev/dri."""
        folder = self.root / "sys/bus/pci/devices" / address
        vendor, device, revision = ids.split(":")
        told = {"vendor": f"0x{vendor}", "device": f"0x{device}", "revision": f"0x{revision}", "class": kind}
        for name, content in (told | dict(files or {})).items():
            self.write(
                f"sys/bus/pci/devices/{address}/{name}", content if isinstance(content, bytes) else content + "\n"
            )
        if driver:
            (folder / "driver").symlink_to(f"../../../../bus/pci/drivers/{driver}")
        if node:
            (folder / "drm" / node).mkdir(parents=True)
            self.write(f"dev/dri/{node}", "")
        return folder
