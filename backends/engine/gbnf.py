"""Rules of a grammar as they are written down, and what JSON is made of.

GBNF is llama.cpp's language of grammars (grammars/README.md there). Its repetitions reach to 2,000 and become boundless
above, without a word: `Rules.repeated` takes larger ones apart.
"""

from backends.engine.grammar_errors import too_large

LONGEST_MADE = 256 << 10  # characters, as it is made of a schema
MOST_REPETITIONS = 65536

_AT_ONCE = 1000
_BLOCK = 256

_JSON = {  # rule: body and the rules in it. A string is UTF-8 that others can read: no half of a surrogate pair
    "ws": ('| " " | "\\n" [ \\t]{0,20}', ()),
    "char": (
        '[^"\\\\\\x7F\\x00-\\x1F\\U0000D800-\\U0000DFFF\\U00110000-\\UFFFFFFFF] | "\\\\" '
        '(["\\\\/bfnrt] | "u" ([0-9a-cA-CeEfF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2}))',
        (),
    ),
    "string": ('"\\"" char* "\\""', ("char",)),
    "integer": ('"-"? ("0" | [1-9] [0-9]{0,15})', ()),
    "number": ('"-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?', ()),
    "boolean": ('"true" | "false"', ()),
    "null": ('"null"', ()),
    "object": (
        '"{" ws (string ws ":" ws value (ws "," ws string ws ":" ws value)* ws)? "}"',
        ("ws", "string", "value"),
    ),
    "array": ('"[" ws (value (ws "," ws value)* ws)? "]"', ("ws", "value")),
    "value": (
        "object | array | string | number | boolean | null",
        ("object", "array", "string", "number", "boolean", "null"),
    ),
    "date": ('[0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | [12] [0-9] | "3" [01])', ()),
    "time": (
        '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,6})? '
        '("Z" | [-+] ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9])',
        (),
    ),
    "uuid": ('[0-9a-f]{8} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{12}', ()),
}


class Rules:
    """A grammar that is written rule by rule. InvalidInput (`grammar_too_large`) when it grows beyond all measure."""

    def __init__(self) -> None:
        self._bodies: dict[str, str] = {}
        self._names: dict[str, str] = {}  # by body
        self._size = 0

    def json(self, name: str) -> str:
        """A rule of JSON: ws (white space between tokens), char, string, integer, number, boolean, null, object, array,
        value; date, time, uuid (without quotes)."""
        if name not in self._bodies:
            body, parts = _JSON[name]
            self.define(name, body)
            for part in parts:
                self.json(part)
        return name

    def add(self, body: str) -> str:
        """A rule for this; the same one for the same."""
        if body not in self._names:
            self._names[body] = name = self.reserve()
            self.define(name, body)
        return self._names[body]

    def reserve(self) -> str:
        """The name of a rule that is to be defined."""
        name = f"r{len(self._bodies)}"
        self._bodies[name] = ""
        return name

    def define(self, name: str, body: str) -> None:
        self._bodies[name] = body
        self._size += len(name) + len(body) + 6
        if self._size > LONGEST_MADE:
            raise too_large()

    def repeated(self, rule: str, least: int, most: int | None) -> str:
        """A rule so many times, `most` None: any more. At most MOST_REPETITIONS."""
        if most == 0:
            return ""
        if most is None:
            return f"{self._times(rule, least)} {rule}*" if least > _AT_ONCE else f"{rule}{{{least},}}"
        if most <= _AT_ONCE:
            return f"{rule}{{{least},{most}}}"
        more = most - least
        blocks = max(0, (more - _BLOCK + 1) // _BLOCK)
        block = self.add(f"{rule}{{{_BLOCK}}}")
        optional = f"{block}{{0,{blocks}}} {rule}{{0,{more - blocks * _BLOCK}}}"
        return f"{self._times(rule, least)} {optional}"

    def _times(self, rule: str, count: int) -> str:
        blocks, single = divmod(count, _BLOCK)
        block = self.add(f"{rule}{{{_BLOCK}}}")
        return " ".join(f"{name}{{{n}}}" for name, n in ((block, blocks), (rule, single)) if n)

    def text(self, root: str) -> str:
        """The grammar; it begins with this body."""
        return "\n".join([f"root ::= {root}", *(f"{name} ::= {body}" for name, body in self._bodies.items()), ""])


def literal(text: str) -> str:
    """These characters, one after the other."""
    return '"' + "".join(_ESCAPES.get(c, c) if " " <= c != "\x7f" else f"\\x{ord(c):02X}" for c in text) + '"'


def one_of(parts: list[tuple[int, int]], *, but: bool = False) -> str:
    """A class of characters, ranges of code points; `but`: any other."""
    inside = "".join(_point(low) if low == high else f"{_point(low)}-{_point(high)}" for low, high in parts)
    return f"[{'^' if but else ''}{inside}]"


_ESCAPES = {"\\": "\\\\", '"': '\\"'}


def _point(point: int) -> str:
    return chr(point) if point < 128 and chr(point).isalnum() else f"\\U{point:08X}"
