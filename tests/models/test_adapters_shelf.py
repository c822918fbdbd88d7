"""LoRA adapters on this disk: what is one, what fits which model, what is switched on."""

import struct
from pathlib import Path

import numpy as np
import pytest

from backends.core.errors import InvalidInput, NotFound
from backends.models import gguf
from backends.models.adapters import check_adapter, check_fits
from backends.models.catalog import Catalog
from backends.models.library import Library
from tests.kit.adapters import adapter, random_adapter
from tests.kit.ggufs import Shape, random_model
from tests.kit.stores import put

CATALOG = Catalog.load()
Q, EMBEDDING = "blk.0.attn_q.weight", "token_embd.weight"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model(tmp_path_factory.mktemp("gguf") / "base-F16.gguf")


def opened(home: Path) -> Library:
    return Library(home / "models", CATALOG, home / "library.json")


def test_an_adapter_says_what_it_changes(base, tmp_path):
    path = random_adapter(tmp_path / "a.gguf", base, Q, "blk.1.ffn_down.weight", alpha=16.0)
    header = check_adapter(path)
    assert (header.architecture, header.alpha, sorted(header.targets)) == ("qwen2", 16.0, [Q, "blk.1.ffn_down.weight"])
    assert (header.width, header.name) == (128, "a")
    check_fits(header, gguf.check(base))


def test_a_model_is_no_adapter_and_an_adapter_no_model(base, home, tmp_path):
    with pytest.raises(InvalidInput) as error:
        check_adapter(base)
    assert error.value.code == "not_adapter"
    with pytest.raises(InvalidInput) as other:
        opened(home).add(random_adapter(tmp_path / "a.gguf", base, Q))
    assert other.value.code == "is_adapter"


PAIR = (np.zeros((4, 128)), np.zeros((128, 4)))


@pytest.mark.parametrize(
    ("tensors", "options", "code"),
    [
        ({Q: PAIR}, {"kind": "model"}, "not_adapter"),
        ({Q: PAIR}, {"architecture": "gemma3"}, "unsupported_architecture"),
        ({Q: PAIR}, {"alpha": float("nan")}, "damaged_file"),
        ({Q: PAIR}, {"alpha": float("inf")}, "damaged_file"),
        ({Q: PAIR}, {"alpha": -1.0}, "damaged_file"),
        ({Q: PAIR}, {"names": {"b": ".lora_c"}}, "damaged_file"),
        ({Q: PAIR}, {"names": {"a": "_norm.weight"}}, "damaged_file"),
        ({Q: (np.zeros((4, 128)), np.zeros((128, 5)))}, {}, "damaged_file"),
        ({Q: (np.zeros(128), np.zeros(128))}, {}, "damaged_file"),
        ({Q: (np.zeros((2, 4, 128)), np.zeros((3, 128, 4)))}, {}, "damaged_file"),
        ({Q: PAIR}, {"dtype": np.int32}, "damaged_file"),
        ({}, {}, "damaged_file"),
    ],
)
def test_what_llama_cpp_would_choke_on_is_refused(tmp_path, tensors, options, code):
    with pytest.raises(InvalidInput) as error:
        check_adapter(adapter(tmp_path / "a.gguf", tensors, **options))
    assert error.value.code == code
    assert error.value.message.zh


@pytest.mark.parametrize(("key", "kind"), [(b"general.type", 4), (b"adapter.type", 4), (b"adapter.lora.alpha", 4)])
def test_entries_of_another_type_are_refused(base, tmp_path, key, kind):
    """llama.cpp asserts on them, which ends the process."""
    path = random_adapter(tmp_path / "a.gguf", base, Q, alpha=1.0)
    data = path.read_bytes()
    at = data.index(key) + len(key)
    length = 12 + struct.unpack_from("<Q", data, at + 4)[0] if key != b"adapter.lora.alpha" else 8
    path.write_bytes(data[:at] + struct.pack("<II", kind, 7) + data[at + length :])
    with pytest.raises(InvalidInput):
        check_adapter(path)


def test_cut_anywhere_it_is_refused_in_words(base, tmp_path):
    whole = random_adapter(tmp_path / "a.gguf", base, Q).read_bytes()
    for length in range(0, len(whole) - 32, 97):
        (tmp_path / "cut.gguf").write_bytes(whole[:length])
        with pytest.raises(InvalidInput):
            check_adapter(tmp_path / "cut.gguf")


@pytest.mark.parametrize(
    "other",
    [Shape(width=192, heads=6), Shape(layers=1), Shape(heads=8, head=32)],
    ids=["width", "layers", "heads"],
)
def test_an_adapter_of_another_model_does_not_fit(base, tmp_path, other):
    target = "blk.1.attn_q.weight"
    header = check_adapter(random_adapter(tmp_path / "a.gguf", base, target))
    model = random_model(tmp_path / "m.gguf", shape=other)
    with pytest.raises(InvalidInput, match="made for another model") as error:
        check_fits(header, gguf.check(model))
    assert error.value.code == "adapter_does_not_fit"


def test_an_adapter_of_the_embedding_is_turned_round(base, tmp_path):
    model = gguf.check(base)
    vocabulary = model.shape.vocabulary
    turned = {EMBEDDING: (np.zeros((vocabulary, 4)), np.zeros((128, 4)))}
    check_fits(check_adapter(adapter(tmp_path / "a.gguf", turned)), model)
    plain = {EMBEDDING: (np.zeros((4, 128)), np.zeros((vocabulary, 4)))}
    with pytest.raises(InvalidInput):
        check_fits(check_adapter(adapter(tmp_path / "b.gguf", plain)), model)


# ---- the shelf


def test_adapters_are_listed_beside_the_models_not_among_them(base, tiny, home):
    put(tiny, home / "models/m.gguf")
    here = random_adapter(home / "models/pirate.gguf", base, Q)
    mine = random_adapter(home / "lawyer.gguf", base, Q)
    library = opened(home)
    assert library.add_adapter(mine).path == mine
    assert library.add_adapter(mine).path == mine
    for each in (library, opened(home)):
        assert [(a.id, a.path, a.architecture, a.problem.en) for a in each.adapters()] == [
            ("lawyer", mine, "qwen2", ""),
            ("pirate", here, "qwen2", ""),
        ]
        assert [model.id for model in each.models()] == ["m"]


def test_a_model_keeps_the_adapters_it_wears(base, home):
    put(base, home / "models/base-F16.gguf")
    library = opened(home)
    one = library.add_adapter(random_adapter(home / "one.gguf", base, Q))
    two = library.add_adapter(random_adapter(home / "two.gguf", base, Q, seed=1))
    library.set_adapters("base-F16", [(one, 1.0), (two, 0.5)])
    assert opened(home).adapters_of("base-F16") == ((one, 1.0), (two, 0.5))
    two.path.unlink()
    again = opened(home)
    assert again.adapters_of("base-F16") == ((one, 1.0),)
    assert again.worn("base-F16") == ((one.path, 1.0), (two.path, 0.5))
    assert "not there any more" in again.adapters()[1].problem.en
    again.remove_adapter("two")
    assert again.worn("base-F16") == ((one.path, 1.0),)
    again.set_adapters("base-F16", [])
    assert opened(home).adapters_of("base-F16") == ()


def test_only_what_fits_is_worn(base, tiny, home):
    put(tiny, home / "models/other.gguf")
    library = opened(home)
    made_for_base = library.add_adapter(random_adapter(home / "one.gguf", base, "blk.1.ffn_up.weight"))
    with pytest.raises(InvalidInput) as error:
        library.set_adapters("other", [(made_for_base, 1.0)])
    assert error.value.code == "adapter_does_not_fit"
    assert library.adapters_of("other") == ()
    put(base, home / "models/base.gguf")
    library.rescan()
    for scale in (float("nan"), float("inf"), 11.0, -11.0):
        with pytest.raises(InvalidInput) as wrong:
            library.set_adapters("base", [(made_for_base, scale)])
        assert wrong.value.code == "bad_scale"


def test_an_adapter_in_the_models_folder_is_hidden_not_deleted(base, home):
    (home / "models").mkdir()
    path = random_adapter(home / "models/pirate.gguf", base, Q)
    library = opened(home)
    library.remove_adapter("pirate")
    assert library.adapters() == ()
    assert path.exists()
    with pytest.raises(NotFound) as error:
        library.remove_adapter("pirate")
    assert error.value.code == "adapter_not_here"
    assert library.add_adapter(path).id == "pirate"
