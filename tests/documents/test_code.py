"""Source code: where sections begin, which lines they are, nothing lost."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.documents.extract.code import sections as cut
from tests.kit.office import sections, text

PYTHON = '''"""What it does."""
import os

# about alpha
@cached
def alpha(x):
    return x


class Beta:
    def inner(self):
        pass
'''


def test_sections_begin_with_definitions_and_what_stands_above_them() -> None:
    found = list(cut([PYTHON], ".py"))
    assert [(one.label, one.headings, one.text.splitlines()[0]) for one in found] == [
        ("lines 1-3", (), '"""What it does."""'),
        ("lines 4-9", ("alpha",), "# about alpha"),
        ("lines 10-12", ("Beta",), "class Beta:"),
    ]
    assert {one.kind for one in found} == {"code"}


@pytest.mark.parametrize(
    ("suffix", "lines", "names"),
    [
        (".js", "export default async function load(a) {\n}\nconst run = (x) => {\n};\nlet y = 3;\n", ["load", "run"]),
        (".go", "package main\n\nfunc (s *Server) Start() {\n}\ntype Shape struct {\n}\n", ["main", "Start", "Shape"]),
        (".rs", "pub(crate) fn read<T>(x: T) {\n}\nimpl<T> Shape for T {\n}\n", ["read", "Shape"]),
        (".c", "#include <a.h>\nint main(int argc, char **argv)\n{\n  if (x) {\n  }\n}\n", ["main"]),
        (".java", "import a;\npublic final class Main {\n}\n", ["Main"]),
        (".sh", "set -e\nbuild() {\n}\n", ["build"]),
        (".sql", "CREATE TABLE IF NOT EXISTS orders (\nid INT);\n", ["orders"]),
        (".yaml", "class: x\ndef: y\n", []),
    ],
)
def test_definitions_of_many_languages(suffix: str, lines: str, names: list[str]) -> None:
    assert [one.headings[0] for one in cut([lines], suffix) if one.headings] == names


@given(st.lists(st.text("ab\n \r#def(){}", max_size=60), max_size=12), st.sampled_from([".py", ".c", ".json"]))
def test_no_character_is_lost(parts: list[str], suffix: str) -> None:
    whole = "".join(parts)
    assert "".join(one.text for one in cut(parts, suffix)).replace("\r", "") == whole.replace("\r", "")


def test_a_file_of_one_line_and_one_in_gbk(tmp_path: Path) -> None:
    path = tmp_path / "min.js"
    path.write_text("x=1;" * 50_000, encoding="utf-8")
    assert sum(len(one.text) for one in sections(path, "code")) == 200_000
    assert max(len(one.text) for one in sections(path, "code")) <= 32_768
    (tmp_path / "a.py").write_bytes("# 计算营业收入的总额\nx = 1\n".encode("gbk"))
    assert text(tmp_path / "a.py", "code") == "# 计算营业收入的总额\nx = 1\n"
