"""Which build of llama-cpp-python is taken: offered by the machine, served by an index, proven by a child process."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase
from installers import engine
from installers.accelerators import Accelerators
from installers.engine import Report, Search, objection
from installers.packages import Pip
from installers.project import Project
from installers.wheels import KINDS, Candidate, Indexes, candidates
from tests.kit.set_up import Bench, closed_port
from tests.kit.wheel_index import Index, engine_source, engine_wheel, serve

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = Indexes.load(ROOT / "installers" / "wheels.json")
WHEEL = "llama_cpp_python-0.3.36-py3-none-any.whl"
ADA = Accelerators("linux-x86_64", cuda=(12, 4), compute=((8, 9),), vulkan=True)


def names(machine: Accelerators, build: str = "auto") -> list[str]:
    return [offer.name for offer in candidates(PUBLISHED, machine, build)]


@pytest.mark.parametrize(
    ("machine", "offers"),
    [
        (Accelerators("linux-x86_64"), ["cpu", "source (cpu)"]),
        (Accelerators("linux-arm64"), ["cpu", "source (cpu)"]),
        (Accelerators("macos-arm64"), ["metal", "source (metal)", "cpu", "source (cpu)"]),
        (Accelerators("macos-x86_64"), ["source (cpu)"]),
        (ADA, ["cu124", "cu123", "cu122", "cu121", "cu118", "vulkan", "cpu", "source (cpu)"]),
        (
            Accelerators("windows-x86_64", cuda=(13, 1), compute=((12, 0),), vulkan=True),
            ["cu130", "cu125", "cu124", "vulkan", "cpu", "source (cpu)"],
        ),
        (
            Accelerators("linux-x86_64", cuda=(13, 0), compute=((6, 1),), toolkits=frozenset({"cuda"})),
            ["cu125", "cu124", "cu123", "cu122", "cu121", "cu118", "source (cuda)", "cpu", "source (cpu)"],
        ),
        (Accelerators("linux-x86_64", cuda=(11, 4), compute=((8, 0),)), ["cpu", "source (cpu)"]),
        (Accelerators("linux-x86_64", rocm=True, vulkan=True), ["rocm72", "vulkan", "cpu", "source (cpu)"]),
        (Accelerators("windows-x86_64", rocm=True, vulkan=True), ["hip-radeon", "vulkan", "cpu", "source (cpu)"]),
    ],
)
def test_each_machine_is_offered_its_builds_best_first(machine: Accelerators, offers: list[str]) -> None:
    assert names(machine) == offers


def test_the_user_narrows_it() -> None:
    assert names(ADA, "vulkan") == ["vulkan", "source (vulkan)"]
    assert names(ADA, "cpu") == ["cpu", "source (cpu)"]
    assert names(ADA, "source") == ["source (cpu)"]
    assert names(Accelerators("linux-x86_64"), "cuda")[0] == "cu132"
    for kind in KINDS:
        assert all(offer.kind == kind for offer in candidates(PUBLISHED, ADA, kind))


@pytest.fixture
def shop() -> Iterator[Index]:
    """An index of its own for a test that serves unusual wheels."""
    index = Index()
    server = serve(index)
    yield index
    server.shutdown()
    server.server_close()


def search(
    pip: Pip, index: Index, machine: Accelerators = ADA, build: str = "auto"
) -> tuple[Search, tuple[Candidate, Report] | None]:
    indexes = Indexes.load(pip.project.root / "installers" / "wheels.json", f"{index.address}/whl")
    searching = Search(pip.project, pip, indexes, machine)
    return searching, searching.try_all(candidates(indexes, machine, build))


def without_cuda_libraries(project_root: Path) -> None:
    """Let the CUDA wheels expect no library of the system, as if all of them were there."""
    path = project_root / "installers" / "wheels.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    rows = [{name: value for name, value in row.items() if name != "libraries"} for row in table["indexes"]]
    path.write_text(json.dumps({**table, "indexes": rows}), encoding="utf-8")


def test_a_cuda_wheel_without_a_cuda_device_gives_way_to_the_next_kind(
    bench: Bench, pip: Pip, shop: Index, capsys: pytest.CaptureFixture[str]
) -> None:
    without_cuda_libraries(bench.root)
    for name in ("cu124", "cu123"):
        shop.add(f"whl/{name}", "llama-cpp-python", WHEEL, engine_wheel([("CPU", "A CPU")]))
    shop.add("whl/vulkan", "llama-cpp-python", WHEEL, engine_wheel([("Vulkan", "RTX 4090"), ("CPU", "A CPU")]))
    searching, found = search(pip, shop)
    assert found is not None
    offer, report = found
    assert (offer.name, report.names) == ("vulkan", ("RTX 4090", "A CPU"))
    assert searching.refusals == {"cu124": "it lists no CUDA device, only CPU"}
    assert not any("cu123" in request for request in shop.requests)
    said = capsys.readouterr()
    assert said.out == ""
    assert "Fetching the engine (cu124): the NVIDIA driver runs CUDA 12.4" in said.err


def test_an_index_without_this_version_gives_way_to_the_next_of_its_kind(bench: Bench, pip: Pip, shop: Index) -> None:
    without_cuda_libraries(bench.root)
    shop.add("whl/cu124", "llama-cpp-python", WHEEL.replace("36", "35"), b"")
    shop.add("whl/cu123", "llama-cpp-python", WHEEL, engine_wheel([("CUDA", "RTX 4090")]))
    searching, found = search(pip, shop)
    assert found is not None
    assert found[0].name == "cu123"
    assert searching.refusals == {"cu124": "the index has no 0.3.36"}


def test_missing_cuda_libraries_are_fetched_and_put_beside_the_engine(bench: Bench, pip: Pip, shop: Index) -> None:
    path = bench.root / "installers" / "wheels.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    row = {"name": "cu124", "kind": "cuda", "systems": ["linux-x86_64"], "cuda": [12, 4]}
    row |= {"libraries": {"linux": ["libdeskseek_cuda.so.12"]}, "packages": ["tiny"]}
    path.write_text(json.dumps({**table, "indexes": [row]}), encoding="utf-8")
    library = bench.project.site_packages() / "nvidia" / "cublas" / "lib" / "libdeskseek_cuda.so.12"
    library.parent.mkdir(parents=True)
    library.write_bytes(b"a library")
    parts = bench.project.site_packages() / "llama_cpp" / "lib"
    parts.mkdir()
    (parts / "libggml-cuda.so").write_bytes(b"")
    shop.add("whl/cu124", "llama-cpp-python", WHEEL, engine_wheel([("CUDA", "RTX 4090")]))
    _, found = search(pip, shop)
    assert found is not None
    assert (parts / "libdeskseek_cuda.so.12").read_bytes() == b"a library"


def test_libraries_that_only_the_system_can_have_are_asked_for_before_the_wheel(pip: Pip, shop: Index) -> None:
    machine = Accelerators("linux-x86_64", rocm=True)
    shop.add("whl/rocm72", "llama-cpp-python", WHEEL, engine_wheel([("ROCm", "RX 7900")]))
    searching, _ = search(pip, shop, machine, "rocm")
    assert "libamdhip64.so.7" in searching.refusals["rocm72"]
    assert not any(request.endswith(".whl") for request in shop.requests)
    assert searching.refusals["source (rocm)"] == "there is no toolkit for rocm here"


def test_a_build_that_dies_while_it_loads_is_refused_by_its_last_words(pip: Pip, shop: Index) -> None:
    broken = engine_wheel([("CPU", "A CPU")], features="' + str(1 / 0) + '")
    shop.add("whl/cpu", "llama-cpp-python", WHEEL, broken)
    searching, found = search(pip, shop, Accelerators("linux-x86_64"), "cpu")
    assert searching.refusals["cpu"].startswith("it does not load: ")
    assert found is None


def test_a_build_for_another_cpu_is_refused() -> None:
    offer = Candidate("cpu", None, Phrase("it runs everywhere", "适用于所有电脑"))
    report = Report(("CPU",), ("A CPU",), ("AVX2", "AVX512", "FMA"))
    assert str(objection(offer, report, frozenset({"avx2", "fma"}))) == "it needs a CPU with AVX512"
    assert objection(offer, report, frozenset({"avx2", "fma", "avx512f"})) is None
    assert objection(offer, report, None) is None


def test_the_real_engine_proves_itself() -> None:
    report = engine.load(Project(ROOT))
    assert report.failure == ""
    assert "CPU" in report.backends


def test_an_override_is_obeyed_and_remembered(bench: Bench) -> None:
    bench.index.add("whl/vulkan", "llama-cpp-python", WHEEL, engine_wheel([("Vulkan", "Arc A770"), ("CPU", "A CPU")]))
    chosen = bench.run("ask", DESKSEEK_LLAMA_BUILD="vulkan")
    assert chosen.returncode == 7
    assert "vulkan, because DESKSEEK_LLAMA_BUILD asks for it; it runs on Arc A770, A CPU." in chosen.stderr
    assert "Installing the packages" not in chosen.stderr
    assert bench.run("ask").stderr == ""
    assert bench.project.read_stamp("engine")["devices"] == ["Arc A770", "A CPU"]


def test_an_override_that_is_no_build_is_wrong_usage_before_anything_is_done(fresh: Bench) -> None:
    wrong = fresh.run("ask", DESKSEEK_LLAMA_BUILD="cuda12")
    assert wrong.returncode == 2
    assert "DESKSEEK_LLAMA_BUILD=cuda12 is not a build. Choose one of: auto, cuda, rocm, metal" in wrong.stderr
    assert not fresh.project.venv.exists()


def test_an_unreachable_index_ends_in_a_build_from_source(bench: Bench, shop: Index) -> None:
    shop.add("simple", "llama-cpp-python", *engine_source([("CPU", "Built here")]))
    bench.forget("engine")
    built = bench.run(
        "ask",
        DESKSEEK_LLAMA_INDEX=f"http://127.0.0.1:{closed_port()}",
        PIP_INDEX_URL=f"{shop.address}/simple",
    )
    assert built.returncode == 7
    assert "cpu: 127.0.0.1 cannot be reached." in built.stderr
    assert "Building the engine (source (cpu))" in built.stderr
    assert "it runs on Built here." in built.stderr
    assert (bench.project.site_packages() / "llama_cpp" / "options.txt").read_text(encoding="utf-8") == ""


def test_a_gpu_build_from_source_gets_its_options(pip: Pip, shop: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.add("simple", "llama-cpp-python", *engine_source([("CUDA", "RTX 4090")]))
    monkeypatch.setenv("PIP_INDEX_URL", f"{shop.address}/simple")
    monkeypatch.setenv("CMAKE_ARGS", "-DGGML_NATIVE=off")
    machine = Accelerators("linux-x86_64", cuda=(12, 4), compute=((8, 9),), toolkits=frozenset({"cuda"}))
    _, found = search(pip, shop, machine, "source")
    assert found is not None
    assert found[0].name == "source (cuda)"
    options = pip.project.site_packages() / "llama_cpp" / "options.txt"
    assert options.read_text(encoding="utf-8") == "-DGGML_NATIVE=off -DGGML_CUDA=on"


def test_without_any_engine_the_rest_works_and_setup_tries_again(bench: Bench) -> None:
    bench.forget("engine")
    gone = f"http://127.0.0.1:{closed_port()}"
    start = bench.run("hardware", DESKSEEK_LLAMA_INDEX=gone)
    assert start.returncode == 7
    assert "There is no engine (cpu: 127.0.0.1 cannot be reached" in start.stderr
    assert "Everything but answering works all the same" in start.stderr
    assert bench.run("hardware").stderr == f"{start.stderr.splitlines()[-1]}\n"
    assert bench.run("setup", DESKSEEK_LLAMA_INDEX=gone).returncode == 1
    mended = bench.run("setup")
    assert mended.returncode == 0
    assert "it runs on A CPU" in mended.stderr


def test_setup_looks_again_only_when_something_better_may_be_had(bench: Bench) -> None:
    stamp = bench.project.read_stamp("engine")
    assert not engine.better_in_reach(bench.project, Accelerators("linux-x86_64"))
    assert engine.better_in_reach(bench.project, ADA)
    refused = {"build": "auto", "kind": "cpu", "refusals": {"cu124": "it lists no CUDA device"}, "unreachable": False}
    bench.project.write_stamp("engine", str(stamp["key"]), **refused)
    assert not engine.better_in_reach(bench.project, ADA)
    bench.project.write_stamp("engine", str(stamp["key"]), **{**refused, "unreachable": True})
    assert engine.better_in_reach(bench.project, ADA)


def test_a_bad_build_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESKSEEK_LLAMA_BUILD", "gpu")
    with pytest.raises(InvalidInput):
        engine.wanted_build(bench.project)
