"""`deskseek bench`: the figures of a model, beside another one or another setting; what was loaded comes back."""

from pathlib import Path

import pytest

from backends import commands
from backends.commands import bench
from backends.commands.arguments import WrongUsage
from backends.core.cancel import CancelToken
from backends.core.errors import InvalidInput
from backends.core.owner import CommandRequest, Output
from tests.commands.conftest import Inside, window
from tests.kit.ggufs import ANSWER, Shape, random_model
from tests.kit.shell import Shell

SHORT = ("--prompt", "40", "--generate", "12", "--streams", "1,3")
KEYS = [
    "model",
    "prompt",
    "generate",
    "prefill_tokens_per_s",
    "decode_tokens_per_s",
    "streams",
    "device",
    "memory",
    "settings",
]


@pytest.fixture
def inside(inside: Inside) -> Inside:
    """With one thread: two that wait for each other are slow where others compute, too."""
    inside.services.settings.set("engine.threads", 1)
    return inside


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It never says that it has ended."""
    return random_model(tmp_path_factory.mktemp("random") / "random-F16.gguf", shape=Shape(context=1024))


def test_the_figures_of_a_model(inside: Inside, random: Path) -> None:
    done = inside.run("bench", "--model", str(random), *SHORT, "--json")
    assert (done.code, done.err) == (0, "")
    told = done.json
    assert list(told) == KEYS
    assert (told["model"], told["prompt"], told["generate"], told["device"]) == ("random-F16", 40, 12, "CPU")
    assert told["prefill_tokens_per_s"] > 0
    assert told["decode_tokens_per_s"] > 0
    assert [row["streams"] for row in told["streams"]] == [1, 3]
    for row in told["streams"]:
        assert set(row) == {"streams", "tokens_per_s", "ttft_p50_s", "gap_p95_s"}
        assert row["tokens_per_s"] > 0
        assert row["ttft_p50_s"] > 0
        assert row["gap_p95_s"] > 0
    assert told["memory"]["total"] == sum(device["bytes"] for device in told["memory"]["devices"]) > 0
    assert told["settings"]["parallel"] == 3
    assert told["settings"]["context"] >= 3 * (40 + 12)
    assert inside.services.engine.model is None  # it was there to be measured only


def test_an_answer_goes_on_through_its_end(inside: Inside, model: Path) -> None:
    longer = len(ANSWER.encode()) + 100
    done = inside.run("bench", "--model", str(model), "--generate", str(longer), "--streams", "2", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json["generate"] == longer
    assert inside.services.settings.current.models.default_model == ""


def test_settings_and_models_side_by_side(inside: Inside, random: Path, model: Path) -> None:
    inside.run("models", "import", str(random))
    settings = inside.run("bench", "--model", "random-F16", *SHORT, "--compare", "threads=2,kv_type=f16", "--json").json
    assert list(settings) == [*KEYS, "compare"]
    assert list(settings["compare"]) == KEYS
    assert (settings["settings"]["threads"], settings["compare"]["settings"]["threads"]) == (1, 2)
    assert {settings["model"], settings["compare"]["model"]} == {"random-F16"}

    models = inside.run("bench", "--model", "random-F16", *SHORT, "--compare", str(model), "--json").json
    assert (models["model"], models["compare"]["model"]) == ("random-F16", model.stem)


def test_for_people_in_both_languages(inside: Inside, random: Path) -> None:
    asked = ("bench", "--model", str(random), *SHORT, "--compare", "lookup=off")
    english, chinese = inside.run(*asked), inside.run(*asked, language="zh")
    assert (english.code, chinese.code) == (0, 0)
    title, heads, prefill, decode, *_ = english.out.splitlines()
    assert title == "random-F16"
    assert heads.split() == ["lookup=on", "lookup=off"]
    assert prefill.startswith("Prefill, 40 tokens ")
    assert decode.startswith("Decode, 12 tokens ")
    assert decode.count("tokens/s") == 2
    assert "3 at once: together" in english.out
    assert "读取提示词（40 token）" in chinese.out
    assert "3 路并发：合计" in chinese.out
    assert len(chinese.out.splitlines()) == len(english.out.splitlines())
    assert "lookup=on: decoding" in english.err
    assert "lookup=on：正在生成" in chinese.err


def test_what_a_speed_is_of_the_memorys(inside: Inside, random: Path) -> None:
    done = inside.run("bench", "--model", str(random), *SHORT, "--streams", "1")
    assert done.code == 0
    assert done.out.splitlines()[-1].startswith("Memory bandwidth: the model reads ")


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("threads=2", {"threads": 2}),
        ("kv_type=q8_0,lookup=off", {"kv_type": "q8_0", "lookup": False}),
        ("engine.parallel=8", {"parallel": 8}),
        ("r1-0528-qwen3-8b:Q4_K_M", None),
        ("folder/a=b.gguf", None),
    ],
)
def test_a_setting_is_told_from_a_model(text: str, settings: dict[str, object] | None) -> None:
    assert bench.settings_of(text) == settings


def test_settings_that_cannot_be_compared() -> None:
    with pytest.raises(WrongUsage):
        bench.settings_of("language=zh")
    with pytest.raises(InvalidInput) as caught:
        bench.settings_of("kv_type=q1")
    assert caught.value.code == "bad_setting"


def test_what_cannot_be_measured_is_a_sentence(inside: Inside, random: Path) -> None:
    assert inside.run("bench", "--json").json["error"]["code"] == "no_model"
    named = ("bench", "--model", str(random))
    for argv, code in (
        ((*named, "--prompt", "1000", "--generate", "100"), "prompt_too_long"),
        ((*named, "--compare", "threads=x"), "bad_setting"),
        ((*named, "--compare", "nothing.gguf"), "no_file"),
        ((*named, "--compare", "loudness=11"), "wrong_usage"),
        ((*named, "--streams", "0,4"), "wrong_usage"),
        ((*named, "--streams", "17"), "wrong_usage"),
        ((*named, "--generate", "1"), "wrong_usage"),
    ):
        outcome = inside.run(*argv, "--json")
        assert (outcome.code, outcome.json["error"]["code"]) == (2 if code == "wrong_usage" else 1, code), argv
    too_long = inside.run(*named, "--prompt", "1000", "--generate", "100")
    assert "1024" in too_long.err
    assert "--prompt" in too_long.err


def test_in_a_window_the_model_of_before_comes_back(shell: Shell, model: Path, random: Path) -> None:
    with window(shell):
        assert (
            shell.run("ask", "--quiet", "--temperature", "0", "--context", "700", "--model", str(model), "Hello").code
            == 0
        )
        (before,) = [one["id"] for one in shell.run("models", "--json").json["models"] if one["loaded"]]
        done = shell.run("bench", "--model", str(random), *SHORT, "--threads", "1", "--json")
        assert (done.code, done.json["model"]) == (0, "random-F16")
        (after,) = [one["id"] for one in shell.run("models", "--json").json["models"] if one["loaded"]]
        assert after == before
        assert shell.run("ask", "--temperature", "0", "Hello").out.strip() == ANSWER


def test_a_stopped_measurement_gives_the_model_back(inside: Inside, random: Path, model: Path) -> None:
    inside.run("ask", "--quiet", "--model", str(model), "--context", "700", "Hello")
    for moment in ("Loading", "reading", "decoding", "3 at once"):
        cancel, said = CancelToken(), list[str]()

        def stop_at(text: str, moment: str = moment, cancel: CancelToken = cancel) -> None:
            if moment in text:
                cancel.cancel()

        argv = ("bench", "--model", str(random), "--prompt", "100", "--generate", "900", "--streams", "3")
        request = CommandRequest(argv, str(inside.cwd), "en")
        code = commands.run(request, inside.services, Output(said.append, stop_at), cancel)
        assert (code, said) == (130, [])
        loaded = inside.services.engine.model
        assert loaded is not None
        assert (loaded.path, loaded.context) == (model, 768)
