"""Cells of a table that spreadsheets read."""


def harmless(text: str) -> str:
    """No spreadsheet takes it for a formula (OWASP, CSV Injection): it gets an apostrophe before it if it could be."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
