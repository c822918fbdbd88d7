"""Notebooks: cells in their order, old and new files, what is none."""

import json
from pathlib import Path

from tests.kit.office import refusal, sections

CELLS = [
    {"cell_type": "markdown", "source": ["# Budget 预算\n", "some words\n", "```\n", "# no heading\n", "```"]},
    {
        "cell_type": "code",
        "source": "print(6 * 7)",
        "outputs": [
            {"output_type": "stream", "text": ["42\n"]},
            {"output_type": "execute_result", "data": {"text/plain": "'answer'", "image/png": "AAAA"}},
            {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["LONG"]},
        ],
    },
]


def test_cells(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "cells": CELLS}, ensure_ascii=False), encoding="utf-8")
    assert [(one.label, one.headings, one.kind, one.text) for one in sections(path, "notebook")] == [
        ("cell 1", ("Budget 预算",), "text", "Budget 预算\nsome words\n```\n# no heading\n```\n"),
        ("cell 2", ("Budget 预算",), "code", "print(6 * 7)\n42\n'answer'\nValueError: no\n"),
    ]


def test_old_and_odd_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    old = [
        {"cell_type": "heading", "level": 2, "source": "Old"},
        {"cell_type": "code", "input": "x = 1", "outputs": 7},
        3,
    ]
    path.write_text(json.dumps({"worksheets": [{"cells": old}, "odd"]}), encoding="utf-8")
    assert [one.text for one in sections(path, "notebook")] == ["Old\n", "x = 1\n"]
    for wrong in ("[1, 2]", "{", "nothing"):
        path.write_text(wrong, encoding="utf-8")
        assert refusal(path, "notebook") == "damaged_file"
