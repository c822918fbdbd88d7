"""The table by which SentencePiece normalises text (`precompiled_charsmap`): whether llama.cpp may walk it.

Its first four bytes tell how many follow for a double array of 32-bit units; then come the replacements, each ended by
a zero. The layout is that of `llm_tokenizer_ugm` in `src/llama-vocab.cpp` of llama.cpp, which throws where a walk
leaves the array; an exception behind its C interface ends the process.
"""

import struct
from collections import defaultdict

_LEAF, _VALUE = 1 << 8, 1 << 31
_BLOCK = 0xFF  # a node's children lie where its base differs in the last byte


def is_sound(table: bytes) -> bool:
    """Whether every walk from the root stays inside, and every replacement it comes to is there and ends."""
    if len(table) < 5:
        return False
    (size,) = struct.unpack_from("<I", table)
    if size + 4 >= len(table):
        return False
    replacements = table[4 + size :]
    units = struct.unpack_from(f"<{size // 4}I", table, 4)
    return not units or (replacements[-1] == 0 and _walks_inside(units, len(replacements)))


def _walks_inside(units: tuple[int, ...], replacements: int) -> bool:
    children: defaultdict[int, list[int]] = defaultdict(list)
    for index, unit in enumerate(units):
        if (letter := unit & (_VALUE | 0xFF)) and letter <= 0xFF:
            children[index ^ letter].append(index)
    ahead, seen = [_offset(units[0])], set[int]()
    while ahead:
        base = ahead.pop()
        if base in seen:
            continue
        seen.add(base)
        if base | _BLOCK >= len(units):
            return False
        for index in children[base]:
            below = index ^ _offset(units[index])
            if units[index] & _LEAF and (below >= len(units) or units[below] & (_VALUE - 1) >= replacements):
                return False
            ahead.append(below)
    return True


def _offset(unit: int) -> int:
    return (unit >> 10) << ((unit & 1 << 9) >> 6) & 0xFFFFFFFF
