"""What may disappoint about a model, its file or its licence, said before it is chosen. The borders are figures."""

import re

from backends.core.phrase import Phrase
from backends.models import worth
from backends.models.machines import Cautions
from backends.models.types import CatalogModel, ModelFile, Shape

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October")
_MONTHS += ("November", "December")
_LICENCES = (
    (
        re.compile(r"non.?commercial|\bnc\b|research"),
        Phrase("Its licence does not allow commercial use.", "其许可证不允许商业用途。"),
    ),
    (
        re.compile(r"\bllama"),
        Phrase(
            "Meta's Llama licence holds for it too: name Llama where you pass it on, and keep to Meta's rules of use.",
            "它同时受 Meta 的 Llama 许可证约束：再分发时须注明 Llama，并遵守 Meta 的使用规则。",
        ),
    ),
    (
        re.compile(r"\bdeepseek"),
        Phrase(
            "DeepSeek's own licence holds for it: commercial use is allowed, some uses that it lists are not.",
            "它受 DeepSeek 模型许可证约束：允许商用，但许可证列出的部分用途除外。",
        ),
    ),
)
_V4_TURNS = Phrase(
    "In long conversations it may have to read earlier turns again, because its cache cannot be cut back.",
    "长对话中它可能需要重新读取之前的内容，因为其缓存无法回退。",
)


def cautions(model: CatalogModel, file: ModelFile, context: int, borders: Cautions) -> tuple[Phrase, ...]:
    """What is to be known before `model` is run as `file` with so many tokens of context; the gravest first."""
    said = []
    shape = model.shape
    if 0 < worth.bits(file.quant) < borders.least_bits:
        said.append(_few_bits(worth.bits(file.quant)))
    if model.reasoning and context < borders.thinking_context:
        said.append(_cut_short(context))
    if shape.kv_lora_rank and shape.architecture == "deepseek2" and not shape.mla:
        said.append(_large_cache(shape))
    if shape.architecture == "deepseek4":
        said.append(_V4_TURNS)
    if model.released and model.released < borders.older_than:
        said.append(_older(model.released))
    said += [phrase for pattern, phrase in _LICENCES if pattern.search(model.license.lower())][:1]
    return tuple(said)


def _few_bits(bits: int) -> Phrase:
    return Phrase(
        f"At {bits} bit{'s' if bits > 1 else ''} per weight it makes clearly more mistakes than at 4.",
        f"每个权重仅 {bits} 位，错误明显多于 4 位版本。",
    )


def _cut_short(context: int) -> Phrase:
    return Phrase(
        f"It thinks before it answers, and {context:,} tokens of context may cut its thinking short.",
        f"它在回答前会先思考，{context:,} 个 token 的上下文可能使思考被截断。",
    )


def _large_cache(shape: Shape) -> Phrase:
    full = shape.kv_heads * (shape.key_length + shape.value_length)
    times = round(full / (shape.kv_lora_rank + shape.rope_dimensions))
    return Phrase(
        f"Its file is from before April 2025: the cache of a conversation takes {times} times the memory it could.",
        f"该文件制作于 2025 年 4 月之前：对话缓存占用的内存约为新格式的 {times} 倍。",
    )


def _older(released: str) -> Phrase:
    year, month = released.split("-")
    return Phrase(
        f"It is of {_MONTHS[int(month) - 1]} {year}; newer models know more and reason better.",
        f"它发布于 {year} 年 {int(month)} 月；较新的模型知识更新、推理更强。",
    )
