"""Formulas as MathML (https://www.w3.org/TR/mathml-core/), which browsers set by themselves."""

import html
import re
import xml.etree.ElementTree as ET
from functools import lru_cache

_LONGEST = 2000  # characters
_UNSAFE = re.compile(r"\\(?:href|url|includegraphics|style|class|cssId|require|def|newcommand)\b")
_ELEMENTS = frozenset(
    re.findall(
        r"\w+",
        """math mrow mi mn mo ms mtext mspace msub msup msubsup munder mover munderover mfrac msqrt mroot mtable mtr mtd
        mstyle mpadded mphantom menclose mmultiscripts mprescripts none""",
    )
)
_ATTRIBUTES = frozenset(
    re.findall(
        r"\w+",
        """display stretchy fence form lspace rspace accent mathvariant width height depth columnalign rowspacing
        linethickness displaystyle scriptlevel movablelimits separator minsize maxsize largeop symmetric notation""",
    )
)


@lru_cache(maxsize=512)
def mathml(source: str, *, block: bool) -> str:
    """A `<math>` element that says its LaTeX, too; "" for what cannot be read: then the LaTeX itself is shown."""
    from latex2mathml import exceptions
    from latex2mathml.converter import convert

    refused = tuple(one for one in vars(exceptions).values() if isinstance(one, type) and issubclass(one, Exception))

    if len(source) > _LONGEST or _UNSAFE.search(source) or not source.strip():
        return ""
    try:
        root = ET.fromstring(convert(source.strip(), display="block" if block else "inline"))
        return _element(root, source) if len(list(root.iter())) < _LONGEST else ""
    except (*refused, ET.ParseError, ValueError, LookupError, TypeError, AttributeError, RecursionError, StopIteration):
        return ""


def _element(root: ET.Element, source: str = "") -> str:
    name = root.tag.rpartition("}")[2]
    inner = html.escape(root.text or "", quote=False)
    inner += "".join(_element(one) + html.escape(one.tail or "", quote=False) for one in root)
    if name not in _ELEMENTS:
        return inner
    said = {key: value for key, value in root.attrib.items() if key in _ATTRIBUTES}
    said |= {"alttext": source} if source else {}
    attributes = "".join(f' {key}="{html.escape(value)}"' for key, value in said.items())
    return f"<{name}{attributes}>{inner}</{name}>"
