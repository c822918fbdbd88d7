"""`deskseek plan`: what running a model takes here, of files, catalogue models, repositories and links."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from backends.models import gguf
from backends.models.catalog import Catalog
from tests.commands.conftest import Inside
from tests.kit.faults import refused
from tests.kit.hub import HubServer
from tests.kit.real_models import real
from tests.kit.shapes import shaped_model
from tests.kit.shell import Shell
from tests.kit.split import split_gguf

MIB, GIB = 1 << 20, 1 << 30
PARTS = ("weights", "kv", "compute", "overhead")
CHAT = [model.id for model in Catalog.load().models if model.kind == "chat"]
OTHERS = [model.id for model in Catalog.load().models if model.kind != "chat"]
REPO = "org/Small-GGUF"


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shaped_model(tmp_path_factory.mktemp("m") / "m-Q4_K_M.gguf", real("r1-distill-qwen-1.5b"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("s")
    return shaped_model(folder / "small-Q8_0.gguf", real("r1-distill-qwen-1.5b").small(layers=2), weights="noise")


@pytest.fixture
def there() -> Iterator[HubServer]:
    with HubServer() as hub:
        yield hub


@pytest.mark.parametrize("model", CHAT)
def test_a_header_alone_of_every_model_of_the_catalogue(inside: Inside, model: str, tmp_path: Path) -> None:
    path = shaped_model(tmp_path / "m-Q4_K_M.gguf", real(model))
    done = inside.run("plan", str(path), "--json", "--context", "4096", "--kv", "f16", "--gpu-layers", "0")
    assert (done.code, done.err) == (0, "")
    plan = done.json
    assert list(plan)[:6] == ["architecture", "context", "kv_type", "gpu_layers", "memory", "devices"]
    known = Catalog.load().find(model)
    assert plan["architecture"] == known.shape.architecture
    assert (plan["context"], plan["kv_type"], plan["gpu_layers"], plan["exact"]) == (4096, "f16", 0, True)
    assert plan["memory"]["total"] == sum(plan["memory"][part] for part in PARTS)
    for part in (*PARTS, "total"):
        assert plan["memory"][part] == sum(device["memory"][part] for device in plan["devices"])
    cpu = next(device for device in plan["devices"] if device["kind"] == "cpu")
    assert cpu["name"] == "CPU"
    assert cpu["memory"]["weights"] == pytest.approx(path.stat().st_size, rel=0.02)


@pytest.mark.parametrize("model", OTHERS)
def test_embedders_and_rerankers(inside: Inside, model: str, tmp_path: Path) -> None:
    """A text is computed at once where there is no cache, and every token has its row of output."""
    plan = inside.run("plan", str(shaped_model(tmp_path / "m-Q8_0.gguf", real(model), "Q8_0")), "--json").json
    is_bert = plan["architecture"] == "bert"
    assert (plan["exact"], plan["fits"], plan["context"]) == (True, True, 2048)
    assert plan["batch"] == (2048 if is_bert else 512)
    assert (plan["memory"]["kv"] == 0) == is_bert


def test_what_is_asked_for_is_what_is_planned(inside: Inside, qwen: Path) -> None:
    usual, more = (
        inside.run("plan", str(qwen), "--json", "--gpu-layers", "0", *options).json
        for options in (["--context", "8192", "--kv", "f16"], ["--context", "8192", "--kv", "q8_0"])
    )
    assert more["memory"]["kv"] == pytest.approx(usual["memory"]["kv"] * 17 / 32, rel=0.001)
    assert usual["memory"]["kv"] == 224 * MIB
    small = inside.run("plan", str(qwen), "--json", "--context", "8192", "--batch", "128", "--parallel", "2").json
    assert (small["batch"], small["parallel"]) == (128, 2)
    assert small["memory"]["compute"] < usual["memory"]["compute"] / 2


def test_for_people_in_both_languages(inside: Inside, qwen: Path) -> None:
    english = inside.run("plan", str(qwen), "--gpu-layers", "0", "--context", "8192").out
    assert english.startswith("It fits.")
    assert "Weights" in english
    assert "8,192 tokens" in english
    assert "224 MiB" in english
    chinese = inside.run("plan", str(qwen), "--gpu-layers", "0", "--context", "8192", language="zh").out
    assert chinese.startswith("可以运行。")
    assert "权重" in chinese
    assert "Weights" not in chinese


def test_a_file_by_a_relative_name(inside: Inside, qwen: Path) -> None:
    here = Inside(inside.services, qwen.parent)
    assert here.run("plan", qwen.name, "--json").json["architecture"] == "qwen2"


def test_a_split(inside: Inside, small: Path, tmp_path: Path) -> None:
    whole = inside.run("plan", str(small), "--json", "--context", "4096").json
    parts = split_gguf(small, tmp_path, "m-Q8_0", 8)
    assert inside.run("plan", str(parts[0]), "--json", "--context", "4096").json["memory"] == whole["memory"]
    assert inside.run("plan", str(parts[1]), "--json").json["error"]["code"] == "not_first_part"
    parts[2].unlink()
    assert inside.run("plan", str(parts[0]), "--json").json["error"]["code"] == "missing_part"


def test_a_model_of_this_computer_by_its_id(inside: Inside, small: Path) -> None:
    model = inside.services.library.add(small)
    assert inside.run("plan", model.id, "--json").json["architecture"] == "qwen2"


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("nothing-here.gguf", "file_not_found"),
        ("no-such-model", "unknown_model"),
        ("org/../name", "bad_ref"),
        ("long" * 2000, "bad_ref"),
        ("ftp://example.org/m.gguf", "bad_ref"),
        ("https://me:secret@example.org/m.gguf", "password_in_link"),
    ],
)
def test_what_is_no_model_is_a_sentence(inside: Inside, target: str, code: str) -> None:
    done = inside.run("plan", target, "--json")
    assert done.code == 1
    assert done.json["error"]["code"] == code
    assert "secret" not in done.out


@pytest.mark.parametrize("extra", [0, 1_000_000])
def test_a_file_whose_end_is_missing_is_planned_by_its_header(
    inside: Inside, qwen: Path, tmp_path: Path, extra: int
) -> None:
    """A download on its way, or the first megabytes that somebody fetched by hand."""
    header = gguf.check(qwen).container.data_start
    with qwen.open("rb") as file:
        head = file.read(header + extra)
    (tmp_path / qwen.name).write_bytes(head)
    plan = inside.run("plan", str(tmp_path / qwen.name), "--json", "--context", "4096").json
    whole = inside.run("plan", str(qwen), "--json", "--context", "4096").json
    assert (plan["memory"], plan["exact"]) == (whole["memory"], True)
    assert "end is missing" in plan["notes"][-1]["en"]
    (tmp_path / qwen.name).write_bytes(head[: header // 2])
    assert inside.run("plan", str(tmp_path / qwen.name), "--json").json["error"]["code"] == "truncated_file"


def test_a_file_that_is_damaged(inside: Inside, tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + bytes(100))
    assert inside.run("plan", str(tmp_path / "m.gguf"), "--json").json["error"]["code"] == "not_gguf"


# ---- before the download


def test_a_repository_is_planned_without_its_weights(inside: Inside, there: HubServer, small: Path) -> None:
    there.add_repo(REPO, {small.name: small})
    local = inside.run("plan", str(small), "--json", "--context", "4096").json
    for target in (REPO, f"{REPO}:Q8_0", f"{there.endpoint}/{REPO}/blob/main/{small.name}"):
        there.requests.clear()
        plan = inside.run("plan", target, "--json", "--context", "4096", "--endpoint", there.endpoint).json
        assert (plan["memory"], plan["exact"]) == (local["memory"], True)
    assert not there.seen("cdn")  # the second and third time
    assert not list(inside.services.models_folder.rglob("*.gguf"))


def test_a_model_of_the_catalogue_on_a_mirror(inside: Inside, there: HubServer, small: Path) -> None:
    known = Catalog.load().find("r1-distill-qwen-1.5b")
    name = known.repo.partition("/")[2].removesuffix("-GGUF")
    there.add_repo(known.repo, {f"{name}-{quant}.gguf": small for quant in ("Q4_K_M", "Q8_0")})
    inside.services.settings.set("network.endpoint", there.endpoint)
    plan = inside.run("plan", "r1-distill-qwen-1.5b:Q4_K_M", "--json", "--context", "4096").json
    assert plan["exact"]
    assert [request.headers["Range"] for request in there.seen("cdn")] == [f"bytes=0-{16 * MIB - 1}"]
    assert sum(request.sent for request in there.seen("cdn")) <= 16 * MIB


def test_without_a_hub_the_catalogue_has_an_estimate(inside: Inside, there: HubServer) -> None:
    there.fail("api", refused(503))
    inside.services.settings.set("network.endpoint", there.endpoint)
    plan = inside.run("plan", "r1-0528-qwen3-8b:Q4_K_M", "--json").json
    assert not plan["exact"]
    assert plan["notes"][-1]["en"].startswith("Estimated from the catalogue.")
    assert plan["memory"]["weights"] == pytest.approx(5.03e9, rel=0.02)
    gone = inside.run("plan", REPO, "--json")
    assert gone.json["error"]["code"] == "hub_unavailable"


def test_any_address_of_a_file(inside: Inside, small: Path, tmp_path: Path) -> None:
    """It need not be a hub: a plain file server will do, also one in this network, since somebody typed its name.
    This one knows no ranges and no ETags."""
    local = inside.run("plan", str(small), "--json", "--context", "4096").json
    with file_server(small.parent) as address:
        plan = inside.run("plan", f"{address}/{small.name}", "--json", "--context", "4096").json
        nothing = inside.run("plan", f"{address}/nothing.gguf", "--json").json
    assert plan["memory"] == local["memory"]
    assert nothing["error"]["code"] == "file_not_found"


@contextmanager
def file_server(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

        def copyfile(self, source: Any, outputfile: Any) -> None:
            with suppress(ConnectionError):  # who has read the header hangs up
                super().copyfile(source, outputfile)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever, args=(0.02,), name="test-files")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# ---- as a person types it


def test_from_a_clean_machine(shell: Shell, qwen: Path) -> None:
    done = shell.run("plan", str(qwen), "--json", "--context", "4096")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["exact"]
    again = shell.run("plan", str(qwen), "--context", "4096")
    assert "It fits." in again.out


def test_usage(inside: Inside) -> None:
    assert inside.run("plan").code == 2
    assert inside.run("plan", " ").code == 2
    assert inside.run("plan", "m", "--kv", "q4_0").code == 2
    assert inside.run("plan", "m", "--context", "0").code == 2
    assert "--gpu-layers" in inside.run("plan", "--help").out
    assert "显卡" in inside.run("plan", "--help", language="zh").out
