"""How findings are told: titles, verdicts, order, figures, places."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from backends.core.phrase import Phrase
from backends.doctor.types import TOPICS, Finding, Topic, Verdict

GIB = 1 << 30

TITLES: Mapping[Topic, Phrase] = {
    "driver": Phrase("Graphics cards", "显卡"),
    "wheel": Phrase("Engine", "引擎"),
    "devices": Phrase("Devices", "设备"),
    "libraries": Phrase("Libraries", "运行库"),
    "models": Phrase("Models", "模型"),
    "databases": Phrase("Databases", "数据库"),
    "keyring": Phrase("Keyring", "密钥环"),
    "disk": Phrase("Disk", "磁盘"),
    "network": Phrase("Network", "网络"),
    "port": Phrase("Port", "端口"),
    "settings": Phrase("Settings", "设置"),
}
VERDICTS: Mapping[Verdict, Phrase] = {
    "ok": Phrase("ok", "正常"),
    "warn": Phrase("warning", "注意"),
    "fail": Phrase("failed", "失败"),
}
_SERIOUS: tuple[Verdict, ...] = ("ok", "warn", "fail")


def worst(findings: Sequence[Finding]) -> Verdict:
    return _SERIOUS[max((_SERIOUS.index(one.verdict) for one in findings), default=0)]


def arranged(findings: Sequence[Finding]) -> list[Finding]:
    """By topic; within one, what is serious first."""
    return sorted(findings, key=lambda one: (TOPICS.index(one.topic), -_SERIOUS.index(one.verdict)))


def size(number: int) -> str:
    """Bytes: `5.0 GiB`, `12 MiB`, `64 KiB`."""
    if number >= GIB:
        return f"{number / GIB:.1f} GiB"
    return f"{number / (1 << 20):.0f} MiB" if number >= 1 << 20 else f"{number / 1024:.0f} KiB"


def place(path: Path, home: Path | None) -> str:
    """A path with `~` for the home folder."""
    if home is not None and path.is_relative_to(home) and path != home:
        return str(Path("~") / path.relative_to(home))
    return str(path)
