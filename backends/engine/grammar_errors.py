"""What is wrong with a grammar, in words."""

from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase

LONGEST_GRAMMAR = 64 << 10  # bytes, as it is given


def refused(reason: str = "") -> InvalidInput:
    return InvalidInput(
        Phrase(
            f"The grammar cannot be read: {reason or 'no reason given'}.", f"无法读取该语法：{reason or '未说明原因'}。"
        ),
        Phrase("It has to be GBNF, and to begin with the rule root.", "语法须为 GBNF 格式，并以规则 root 开始。"),
        code="bad_grammar",
    )


def too_slow() -> InvalidInput:
    return InvalidInput(
        Phrase("The grammar takes too long.", "该语法耗时过长。"),
        Phrase("Use fewer repetitions inside of repetitions.", "请减少嵌套的重复。"),
        code="grammar_timeout",
    )


def dead_end() -> InvalidInput:
    return InvalidInput(
        Phrase("The grammar allows nothing that this model can say next.", "该语法不允许此模型接下来能说的任何内容。"),
        Phrase("Allow more, or choose another model.", "请放宽语法，或选择其他模型。"),
        code="bad_grammar",
    )


def too_large() -> InvalidInput:
    return InvalidInput(
        Phrase("The grammar or the schema is too large.", "语法或模式过大。"),
        Phrase(
            f"A grammar or a schema may have {LONGEST_GRAMMAR >> 10} KB, and be nested 64 deep.",
            f"语法或模式最多 {LONGEST_GRAMMAR >> 10} KB，嵌套最多 64 层。",
        ),
        code="grammar_too_large",
    )
