"""Keys of an object beside those that its schema names: any string but these."""

from typing import Any

from backends.engine.gbnf import Rules, literal, one_of

_LONGEST = 32  # characters of a name that are looked at: nothing else begins so, then
_CUT = "cut off"
_UNWRITTEN = [(0, 0x1F), (0x22, 0x22), (0x5C, 0x5C), (0x7F, 0x7F), (0xD800, 0xDFFF), (0x110000, 0xFFFFFFFF)]


def other_keys(rules: Rules, names: list[str]) -> str:
    """Letter by letter: as long as a name could still come there is no backslash, by which it could be written too."""
    tree: dict[str, Any] = {}
    for name in names:
        node = tree
        for letter in name[:_LONGEST]:
            node = node.setdefault(letter, {})
        node["" if len(name) <= _LONGEST else _CUT] = None
    return f'"\\"" {_others(rules, tree)}'


def _others(rules: Rules, node: dict[str, Any]) -> str:
    """What may follow what was written of a name."""
    ways = [] if "" in node else ['"\\""']
    letters = [letter for letter in node if len(letter) == 1]
    for letter in letters:
        if _CUT not in node[letter] and not any(low <= ord(letter) <= high for low, high in _UNWRITTEN):
            ways.append(f"{literal(letter)} {_others(rules, node[letter])}")
    others = one_of([*_UNWRITTEN, *((ord(letter), ord(letter)) for letter in letters)], but=True)
    ways.append(f'{others} {rules.json("char")}* "\\""')
    return rules.add(" | ".join(ways))
