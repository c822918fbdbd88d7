"""Rows of tables as text: each row says what its columns are, since it may be found and read alone."""

from collections.abc import Sequence


def row(header: Sequence[str], cells: Sequence[str]) -> str:
    """`Region: North | 2021: 1,024.50`; a cell without a header stands alone, an empty one is left out."""
    parts: list[str] = []
    for n, cell in enumerate(cells):
        text = " ".join(cell.split())
        if text:
            name = " ".join(header[n].split()) if n < len(header) else ""
            parts.append(f"{name}: {text}" if name and name != text else text)
    return " | ".join(parts)
