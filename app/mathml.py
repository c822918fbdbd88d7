"""MathML as latex2mathml writes it, made fit for ziamath: the space around operators, between rows and columns."""

from xml.etree import ElementTree

_BINARY = frozenset("∪∩∧∨⊕⊗⊖⊙⊘∖÷∓∘⋆⊎⊔⊓⋅·⋄")
_RELATIONS = frozenset("∈∉∋⊂⊆⊇⊃⊄⊈≜≔≅≃∼∣⊢⊨⊥≪≫≺≻⪯⪰⟹⟸⟺⟶⟵⇒⇐⇔~↦⟼↔⟷⇌⇋")
_LARGE = frozenset("∑∏∐∫∬∭∮∯⋃⋂⨁⨂⨀⋁⋀⨆")
_SIGNS = frozenset("-−+±∓")
_CLOSING = frozenset(")]}|!′%⟩⌋⌉‖")
_BINARY_SPACE = "0.222em"
_RELATION_SPACE = "0.278em"


def tuned(mathml: str) -> ElementTree.Element:
    """Raises ParseError, a SyntaxError, for what is no XML."""
    root = ElementTree.fromstring(mathml)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    for parent in root.iter():
        before: ElementTree.Element | None = None
        for element in parent:
            if element.tag == "mi" and (element.text or "").strip() in _RELATIONS | _BINARY:
                element.tag = "mo"
            if element.tag == "mo":
                _space(element, before)
            elif element.tag == "mtable" and parent.tag != "mstyle":
                element.set("rowspacing", "0.55em" if "columnspacing" in element.attrib else "0.4em")
                element.attrib.setdefault("columnspacing", "0.9em")
            if element.tag != "mspace":
                before = element
    return root


def _space(element: ElementTree.Element, before: ElementTree.Element | None) -> None:
    text = (element.text or "").strip()
    if text in _LARGE:  # as large as its style says, not as its row is high
        element.set("stretchy", "false")
    elif text in _RELATIONS:
        element.attrib.update(lspace=_RELATION_SPACE, rspace=_RELATION_SPACE)
    elif text in _SIGNS or text in _BINARY:
        if before is None or (before.tag == "mo" and (before.text or "").strip() not in _CLOSING):
            if before is not None:  # "= -1": a sign
                element.attrib.update(form="prefix", lspace="0em", rspace="0em")
        else:
            element.attrib.update(lspace=_BINARY_SPACE, rspace=_BINARY_SPACE)
