"""`deskseek models quantize`: a smaller version is planned, made, used; what cannot be made is a sentence."""

import sys
from pathlib import Path

import pytest

from tests.commands.conftest import Inside, window
from tests.kit.ggufs import Quant, Shape, random_model
from tests.kit.shell import Shell, finish, interrupt, read_until

SHAPE = Shape(width=256, heads=8, ff=512, vocabulary=1024)
LARGE = Shape(layers=4, width=1024, heads=16, kv_heads=4, head=64, ff=4096, vocabulary=4096)


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model(tmp_path_factory.mktemp("f16") / "tiny-F16.gguf", shape=SHAPE)


def made_in(home: Path) -> list[str]:
    return [path.name for path in (home / "models").rglob("*.gguf")]


def test_planned_made_and_used_inside_a_window(shell: Shell, source: Path) -> None:
    with window(shell):
        shell.run("models", "import", str(source))
        plan = shell.run("models", "quantize", "tiny-F16", "q4_k_m", "--dry-run", "--json").json["plan"]
        assert plan["quant"] == "Q4_K_M"
        assert plan["size"] < source.stat().st_size < plan["disk_needed"] < plan["disk_free"]
        assert plan["memory"] > 0
        assert plan["loss"]["en"]
        assert plan["loss"]["zh"]
        assert made_in(shell.home) == []

        done = shell.run("models", "quantize", "tiny-F16", "Q4_K_M", "--json")
        assert (done.code, done.err) == (0, "")
        first, *progress, last = done.events
        assert first["plan"]["size"] == plan["size"]
        fractions = [event["progress"]["fraction"] for event in progress]
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1
        assert Path(last["finished"]["path"]).stat().st_size == plan["size"]
        (model,) = [one for one in shell.run("models", "--json").json["models"] if one["origin"] == "quantised"]
        assert model["id"] == last["finished"]["id"]
        assert "made here" in shell.run("models").out
        again = shell.run("models", "quantize", "tiny-F16", "Q4_K_M", "--json")
        assert (again.code, again.json["error"]["code"]) == (1, "already_there")
        planned = shell.run("plan", model["id"], "--json").json
    assert planned["memory"] == shell.run("plan", model["id"], "--json").json["memory"]
    assert planned["memory"]["weights"] > 0


def test_for_people_in_both_languages(inside: Inside, source: Path) -> None:
    inside.run("models", "import", str(source))
    english = inside.run("models", "quantize", "tiny-F16", "Q6_K", "--dry-run")
    assert [line.split("  ")[0] for line in english.out.splitlines()[:4]] == [
        "Size",
        "Memory",
        "Disk needed",
        "Disk free",
    ]
    chinese = inside.run("models", "quantize", "tiny-F16", "Q6_K", language="zh")
    assert (english.code, chinese.code) == (0, 0)
    assert chinese.out.startswith("文件大小")
    assert "已生成：" in chinese.out
    assert "100%" in chinese.err


def test_what_cannot_be_made_is_a_sentence(inside: Inside, source: Path, tmp_path: Path) -> None:
    low = random_model(tmp_path / "low-Q4_0.gguf", shape=SHAPE, quant=Quant.Q4_0)
    for path in (source, low):
        inside.run("models", "import", str(path))
    for argv, code in (
        (["tiny-F16", "Q99"], "bad_quant"),
        (["tiny-F16", "F16"], "bad_quant"),
        (["low-Q4_0", "Q3_K_M"], "bad_source"),
    ):
        outcome = inside.run("models", "quantize", *argv, "--json")
        assert (outcome.code, outcome.json["error"]["code"]) == (1, code)
        english = inside.run("models", "quantize", *argv)
        chinese = inside.run("models", "quantize", *argv, language="zh")
        assert (english.out, chinese.out) == ("", "")
        assert len(english.err.splitlines()) == len(chinese.err.splitlines()) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_leaves_nothing(shell: Shell, tmp_path: Path) -> None:
    large = random_model(tmp_path / "large-F16.gguf", shape=LARGE)
    shell.run("models", "import", str(large))
    process = shell.start("models", "quantize", "large-F16", "Q3_K_M", "--json")
    read_until(process, b'"progress"')
    interrupt(process)
    assert finish(process).code == 130
    assert made_in(shell.home) == []
