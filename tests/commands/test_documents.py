"""`documents`: what is in, and why something is not."""

from pathlib import Path

from tests.commands.conftest import Inside


def test_each_document_with_its_state(inside: Inside, tmp_path: Path) -> None:
    (tmp_path / "cats.md").write_text("# Cats\n\nThey sleep.", encoding="utf-8")
    (tmp_path / "nothing.txt").write_bytes(b"")
    inside.run("index", str(tmp_path / "cats.md"), str(tmp_path / "nothing.txt"), "--collection", "Pets")
    found = {Path(each["document"]).name: each for each in inside.run("documents", "--json").json["documents"]}
    cats, nothing = found["cats.md"], found["nothing.txt"]
    assert (cats["status"], cats["problem"], cats["collection"], cats["format"]) == ("ready", None, "Pets", "markdown")
    assert (cats["title"], cats["chunks"], cats["language"]) == ("Cats", 1, "en")
    assert (nothing["status"], nothing["problem"]["code"], nothing["chunks"]) == ("empty", "empty", 0)
    assert inside.run("documents", "--json", "--collection", "pets").json["documents"]
    shown = inside.run("documents").out
    assert "cats.md" in shown
    assert "holds no text" in shown
    assert "没有文字" in inside.run("documents", language="zh").out
    missing = inside.run("documents", "--json", "--collection", "none")
    assert (missing.code, missing.json["error"]["code"]) == (1, "no_collection")
