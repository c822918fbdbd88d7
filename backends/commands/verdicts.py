"""How well a model suits this machine, in a few words."""

from backends.core.phrase import Phrase
from backends.models.types import Verdict

VERDICTS: dict[Verdict, Phrase] = {
    "fits": Phrase("fits", "可流畅运行"),
    "tight": Phrase("tight", "勉强可运行"),
    "partial": Phrase("partly on the GPU", "部分使用显卡"),
    "too_large": Phrase("too large", "内存不足"),
    "unsupported": Phrase("not supported yet", "暂不支持"),
}
RUNS: tuple[Verdict, ...] = ("fits", "tight", "partial")
