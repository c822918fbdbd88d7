"""The catalogue that ships, and what a damaged one is answered with."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from backends.core.errors import NotFound, StorageError
from backends.core.paths import resource, safe_name
from backends.models.catalog import Catalog, quant_in
from backends.models.gguf_bounds import CHAT_ARCHITECTURES, EMBEDDING_ARCHITECTURES
from backends.models.machines import Figures
from backends.models.quants import part_of, quant_of


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


@pytest.mark.parametrize("name", ["catalog", "machines", "compute_buffers"])
def test_the_shipped_files_follow_their_schemas(name: str) -> None:
    schema = json.loads(resource(f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(resource(f"{name}.json").read_text(encoding="utf-8")), schema)


def test_it_holds_the_models_of_the_product(catalog: Catalog) -> None:
    ids = {model.id for model in catalog.models}
    assert ids == {
        "r1-distill-qwen-1.5b",
        "r1-distill-qwen-7b",
        "r1-distill-llama-8b",
        "r1-0528-qwen3-8b",
        "r1-distill-qwen-14b",
        "r1-distill-qwen-32b",
        "r1-distill-llama-70b",
        "v2-lite-chat",
        "coder-v2-lite-instruct",
        "v4-flash-0731",
        "qwen3-embedding-0.6b",
        "bge-m3",
        "bge-reranker-v2-m3",
    }
    assert {model.id for model in catalog.of_kind("embedding")} == {"qwen3-embedding-0.6b", "bge-m3"}
    assert {model.id for model in catalog.of_kind("reranking")} == {"bge-reranker-v2-m3"}
    assert len(catalog.of_kind("chat")) == 10


def test_chat_models_have_their_settings_and_embedders_theirs(catalog: Catalog) -> None:
    for model in catalog.models:
        assert (model.spec is None) == (model.kind == "chat")
        assert (model.temperature > 0) == (model.kind == "chat")
        if model.spec:
            assert (model.spec.pooling == "rank") == (model.kind == "reranking")
            assert model.spec.dimensions == (1 if model.kind == "reranking" else model.shape.embedding)


def test_maths_scores_follow_the_published_benchmarks(catalog: Catalog) -> None:
    """AIME 2024 pass@1 of the model cards; the schema says how a score comes from it."""
    aime = {
        "r1-distill-qwen-1.5b": 28.9,
        "r1-distill-qwen-7b": 55.5,
        "r1-distill-qwen-14b": 69.7,
        "r1-distill-qwen-32b": 72.6,
        "r1-distill-llama-8b": 50.4,
        "r1-distill-llama-70b": 70.0,
        "r1-0528-qwen3-8b": 86.0,
    }
    for name, published in aime.items():
        model = catalog.find(name)
        assert model.scores["maths"] == pytest.approx((model.base_score + 20 + 0.8 * published) / 2, abs=0.5)


def test_code_and_document_scores_follow_the_published_benchmarks(catalog: Catalog) -> None:
    """LiveCodeBench and GPQA Diamond."""
    published = {
        "r1-distill-qwen-1.5b": (16.9, 33.8),
        "r1-distill-qwen-7b": (37.6, 49.1),
        "r1-distill-qwen-14b": (53.1, 59.1),
        "r1-distill-qwen-32b": (57.2, 62.1),
        "r1-distill-llama-8b": (39.6, 49.0),
        "r1-distill-llama-70b": (57.5, 65.2),
        "r1-0528-qwen3-8b": (60.5, 61.1),
    }
    for name, (code, documents) in published.items():
        model = catalog.find(name)
        assert model.scores["code"] == pytest.approx((model.base_score + 20 + 0.8 * code) / 2, abs=0.5)
        assert model.scores["documents"] == pytest.approx((model.base_score + 20 + 0.8 * documents) / 2, abs=0.5)


@pytest.mark.parametrize(
    ("model", "licence", "quants"),
    [
        ("r1-0528-qwen3-8b", "MIT", {"Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0"}),
        ("r1-distill-qwen-14b", "MIT (base model Apache-2.0)", {"IQ4_XS", "Q4_K_M", "Q5_K_M", "Q6_K"}),
        ("r1-distill-llama-70b", "MIT, with the Llama 3.3 Community License", {"Q4_K_M", "Q5_K_M", "Q6_K"}),
        ("v4-flash-0731", "MIT", {"UD-IQ3_XXS", "UD-Q4_K_XL", "UD-Q8_K_XL"}),
    ],
)
def test_entries_are_as_the_facts_have_them(catalog: Catalog, model: str, licence: str, quants: set[str]) -> None:
    found = catalog.find(model)
    assert found.license == licence
    assert quants <= {file.quant for file in found.files}


def test_v4_has_its_sizes(catalog: Catalog) -> None:
    sizes = {file.quant: file.size / 1e9 for file in catalog.find("v4-flash-0731").files}
    assert sizes == pytest.approx({"UD-IQ3_XXS": 103, "UD-Q4_K_XL": 155, "UD-Q8_K_XL": 162}, rel=0.02)


def test_sizes_that_nobody_saw_in_a_listing_say_so(catalog: Catalog) -> None:
    for model in catalog.models:
        for file in model.files:
            assert not (file.sha256 and file.approximate)
    seen = {file.quant for file in catalog.find("r1-0528-qwen3-8b").files if not file.approximate}
    assert seen == {"Q4_K_M"}


def test_every_file_is_named_as_its_publisher_names_it(catalog: Catalog) -> None:
    for model in catalog.models:
        known = CHAT_ARCHITECTURES if model.kind == "chat" else CHAT_ARCHITECTURES | EMBEDDING_ARCHITECTURES
        assert model.shape.architecture in known
        assert len({file.quant for file in model.files}) == len(model.files)
        for file in model.files:
            assert quant_of(file.file).upper() == file.quant
            assert all(safe_name(name) for path in (file.file, *file.parts) for name in path.split("/"))
            numbers = [part.number for path in file.parts if (part := part_of(path))]
            assert numbers == list(range(1, len(file.parts) + 1))


def test_sizes_agree_with_parameters_and_bits(catalog: Catalog) -> None:
    """Within a tenth for the quants that hold most tensors alike; a slip of a digit would be more."""
    for model in catalog.of_kind("chat"):
        for file in model.files:
            bits = catalog.quants.get(file.quant)
            if bits and file.quant in ("Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "F16"):
                assert file.size == pytest.approx(model.parameters * 1e9 * bits.bits_per_weight / 8, rel=0.1)


def test_larger_files_are_better_ones(catalog: Catalog) -> None:
    for model in catalog.models:
        ranked = sorted(model.files, key=lambda file: file.size)
        worse = [file.divergence for file in ranked if not file.quant.startswith(("IQ", "UD"))]
        assert worse == sorted(worse, reverse=True)


def test_a_model_is_found_by_its_id(catalog: Catalog) -> None:
    assert catalog.find("r1-distill-qwen-14b").name == "DeepSeek R1 Distill Qwen 14B"
    assert catalog.find(" R1-Distill-Qwen-14B:Q6_K ") is catalog.find("r1-distill-qwen-14b")


def test_a_near_miss_is_answered_with_names(catalog: Catalog) -> None:
    with pytest.raises(NotFound) as caught:
        catalog.find("r1-qwen-14b")
    assert caught.value.code == "unknown_model"
    assert "r1-distill-qwen-14b" in caught.value.hint.en
    with pytest.raises(NotFound) as caught:
        catalog.find("xxxxxxxx")
    assert "v4-flash-0731" in caught.value.hint.en


def test_a_quant_is_found_with_its_model(catalog: Catalog) -> None:
    assert catalog.file("r1-distill-qwen-7b:q6_k")[1].quant == "Q6_K"
    assert catalog.file("r1-distill-qwen-7b")[1].quant == "Q4_K_M"
    assert catalog.file("v4-flash-0731:IQ3_XXS")[1].quant == "UD-IQ3_XXS"
    assert quant_in(catalog.find("r1-distill-qwen-7b"), "UD-Q6_K") is not None
    with pytest.raises(NotFound) as caught:
        catalog.file("r1-distill-qwen-7b:Q9_Z")
    assert caught.value.code == "unknown_quant"
    assert "Q4_K_M" in caught.value.hint.en


@pytest.mark.parametrize(
    ("repo", "file", "found"),
    [
        ("bartowski/DeepSeek-R1-Distill-Qwen-7B-GGUF", "anything.gguf", "r1-distill-qwen-7b"),
        ("unsloth/X", "DeepSeek-R1-Distill-Qwen-32B-Q5_K_S.gguf", "r1-distill-qwen-32b"),
        ("bartowski/X", "deepseek-ai_DeepSeek-R1-0528-Qwen3-8B-Q4_K_L.gguf", "r1-0528-qwen3-8b"),
        ("mradermacher/X", "DeepSeek-R1-Distill-Llama-8B.i1-Q4_K_M.gguf", "r1-distill-llama-8b"),
        ("unsloth/X", "UD-Q2_K_XL/DeepSeek-V4-Flash-0731-UD-Q2_K_XL-00001-of-00003.gguf", "v4-flash-0731"),
        ("somebody/Else", "Qwen3-8B-Q4_K_M.gguf", None),
        ("", "", None),
    ],
)
def test_a_file_from_elsewhere_is_recognised(catalog: Catalog, repo: str, file: str, found: str | None) -> None:
    model = catalog.match(repo, file)
    assert (model.id if model else None) == found


# ---- damaged files


def paths(value: Any, here: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Where every value of a JSON document stands."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, child in inside for path in paths(child, (*here, key)))]


def replaced(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    copy = json.loads(json.dumps(document))
    if not path:
        return value
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return copy


@pytest.mark.parametrize(("name", "load"), [("catalog.json", Catalog.load), ("machines.json", Figures.load)])
def test_any_value_may_be_wrong(tmp_path: Path, name: str, load: Callable[[Path], object]) -> None:
    """Each value in turn becomes something else: the loader refuses with a sentence, or can live with it."""
    document = json.loads(resource(name).read_text(encoding="utf-8"))
    if "models" in document:
        kinds = (document["models"][0], document["models"][-1])
        document["models"] = [model | {"files": model["files"][:1]} for model in kinds]
        document["quants"] = {quant: document["quants"][quant] for quant in ("Q2_K", "Q4_K_M")}
    else:
        document["bandwidth"] = {vendor: cards[:1] for vendor, cards in document["bandwidth"].items()}
    path = tmp_path / name
    refused = 0
    for place in paths(document):
        for value in (None, "text", [], {}, -1, 10**400, [[1]], True):
            path.write_text(json.dumps(replaced(document, place, value)), encoding="utf-8")
            with contextlib.suppress(StorageError):
                load(path)
                continue
            refused += 1
    assert refused > 4 * len(paths(document))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "data_damaged"),
        ("{", "data_damaged"),
        ("[" * 100_000, "data_damaged"),
        ("[]", "data_damaged"),
        ('{"version": 2}', "data_too_new"),
        ('{"version": 1}', "data_damaged"),
    ],
)
def test_what_is_no_catalogue_is_said_to_be_none(tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "catalog.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StorageError) as caught:
        Catalog.load(path)
    assert caught.value.code == code


def test_bytes_that_are_not_text(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StorageError):
        Catalog.load(path)


def test_a_catalogue_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        Catalog.load(tmp_path / "nothing.json")


def test_an_id_twice_is_damage(tmp_path: Path) -> None:
    document = json.loads(resource("catalog.json").read_text(encoding="utf-8"))
    document["models"].append(document["models"][0])
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(StorageError, match="models"):
        Catalog.load(path)
