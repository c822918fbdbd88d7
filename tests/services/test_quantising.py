"""Smaller quants are made here: what they take and lose is shown first, the library lists them, nothing half stays."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from backends.core.errors import BackendError, InvalidInput, NotFound, ResourceError
from backends.engine import quantise
from backends.engine.protocol import LoadFinished
from backends.hardware.types import Disk
from backends.models import gguf, quantize
from backends.models.catalog import Catalog
from backends.models.space import SPARE
from backends.models.types import LocalModel
from backends.services import Services
from backends.services.quantising import QuantiseEvent, QuantiseFinished
from tests.kit.folders import closed
from tests.kit.ggufs import Quant, Shape, random_model

SHAPE = Shape(width=256, heads=8, ff=512, vocabulary=1024)
LARGE = Shape(layers=4, width=1024, heads=16, kv_heads=4, head=64, ff=4096, vocabulary=4096)
CATALOG = Catalog.load()


@pytest.fixture
def model(services: Services, tmp_path: Path) -> LocalModel:
    return services.library.add(random_model(tmp_path / "tiny-F16.gguf", shape=SHAPE))


def left_in(services: Services) -> set[str]:
    return {path.name for path in services.models_folder.rglob("*") if path.is_file() and ".locks" not in path.parts}


def test_what_was_planned_is_what_comes(services: Services, model: LocalModel) -> None:
    (plan,) = services.quantising.plan(model, "q4_k_m")
    assert left_in(services) == set()
    assert (plan.quant, plan.disk_needed) == ("Q4_K_M", plan.size + SPARE)
    assert plan.disk_free > plan.disk_needed
    assert "a little less exact" in plan.loss.en
    assert plan.loss.zh
    assert plan.memory.fits
    assert sum(device.weights for device in plan.memory.devices) == pytest.approx(plan.size, rel=0.2)
    *events, finished = services.quantising.start(model, "Q4_K_M")
    assert isinstance(finished, QuantiseFinished)
    fractions = [event.fraction for event in events if isinstance(event, QuantiseEvent)]
    assert fractions[0] == 0
    assert fractions[-1] == 1
    assert fractions == sorted(fractions)
    made = services.library.find(finished.path)
    assert made == finished.model
    assert (made.size, made.quant, made.origin) == (plan.size, "Q4_K_M", "quantised")
    assert not made.verified
    assert gguf.check(made.path).quant == "Q4_K_M"
    assert isinstance(list(services.loading.load(made))[-1], LoadFinished)
    with pytest.raises(InvalidInput) as caught:
        list(services.quantising.start(model, "Q4_K_M"))
    assert caught.value.code == "already_there"
    list(services.shelf.remove(made))
    assert not made.path.exists()
    assert model.path.exists()


def test_a_quant_of_a_model_of_the_catalogue_is_listed_as_such(services: Services, tmp_path: Path) -> None:
    known = CATALOG.find("r1-distill-qwen-1.5b")
    name = known.files[0].file.rpartition("/")[2].replace(known.files[0].quant, "Q8_0")
    path = random_model(tmp_path / name, shape=SHAPE, quant=Quant.Q8_0)
    model = services.library.add(path)
    assert model.id == "r1-distill-qwen-1.5b:Q8_0"
    assert services.quantising.offered(model)[0] == "Q6_K"
    (plan,) = services.quantising.plan(model, "Q4_K_M")
    assert "Q8_0" in plan.loss.en
    *_, finished = services.quantising.start(model, "Q4_K_M")
    assert isinstance(finished, QuantiseFinished)
    assert finished.model.id == "r1-distill-qwen-1.5b:Q4_K_M"
    assert finished.model.source == known.repo
    assert "quantised" in finished.path.parts


def test_what_is_offered() -> None:
    assert tuple(quantise.QUANTS) == quantize.QUANTS
    model = LocalModel("a", "A", Path("a.gguf"), 1, "qwen2", "F16", 4096, None, None, "", False)
    assert quantize.offered(model, CATALOG) == quantize.QUANTS
    for quant, first in (("Q8_0", "Q6_K"), ("BF16", "Q8_0"), ("F32", "Q8_0")):
        assert quantize.offered(replace(model, quant=quant), CATALOG)[0] == first
    for quant in ("Q4_K_M", "IQ4_XS", "", "MXFP4_MOE", "Q6_K"):
        assert quantize.offered(replace(model, quant=quant), CATALOG) == ()


@pytest.mark.parametrize(
    ("of", "quant", "code"),
    [
        (Quant.F16, "Q2_K", "bad_quant"),
        (Quant.F16, "", "bad_quant"),
        (Quant.Q8_0, "Q8_0", "bad_quant"),
        (Quant.Q4_0, "Q3_K_M", "bad_source"),
    ],
)
def test_what_cannot_be_made(services: Services, tmp_path: Path, of: Quant, quant: str, code: str) -> None:
    model = services.library.add(random_model(tmp_path / f"tiny-{of.name}.gguf", shape=SHAPE, quant=of))
    for stream in (services.quantising.plan(model, quant), services.quantising.start(model, quant)):
        with pytest.raises(InvalidInput) as caught:
            list(stream)
        assert caught.value.code == code
        assert caught.value.hint.zh


def test_a_cancel_leaves_nothing(services: Services, tmp_path: Path) -> None:
    model = services.library.add(random_model(tmp_path / "large-F16.gguf", shape=LARGE))
    stream, told = services.quantising.start(model, "Q4_K_M"), list[object]()

    def look() -> None:
        """Where it is said, before it goes on."""
        told.extend(stream.look()[0])
        if any(isinstance(event, QuantiseEvent) and event.fraction > 0 for event in told):
            stream.cancel()

    stream.on_wake(look)
    stream.wait()
    assert stream.cancelled
    assert all(isinstance(event, QuantiseEvent) for event in told)
    assert left_in(services) == set()
    assert [one.id for one in services.library.rescan()] == [model.id]


def test_a_source_that_is_gone_or_no_model_any_more(services: Services, model: LocalModel) -> None:
    model.path.write_bytes(b"<html></html>")
    with pytest.raises(InvalidInput):
        list(services.quantising.start(model, "Q4_K_M"))
    model.path.unlink()
    for stream in (services.quantising.plan(model, "Q4_K_M"), services.quantising.start(model, "Q4_K_M")):
        with pytest.raises((NotFound, BackendError)):
            list(stream)
    assert left_in(services) == set()


def test_a_disk_without_room(tmp_path: Path) -> None:
    with pytest.raises(ResourceError) as caught:
        quantize.check_room(Disk(str(tmp_path), 10**12, SPARE + 999, "ext4"), 1000)
    assert caught.value.code == "disk_full"
    assert "1.00 GB" in caught.value.message.en
    assert "download" not in str(caught.value)
    with pytest.raises(ResourceError) as caught:
        quantize.check_room(Disk(str(tmp_path), 10**12, 10**12, "vfat"), 5 * 10**9)
    assert caught.value.code == "file_system_limit"
    quantize.check_room(Disk(str(tmp_path), 10**12, SPARE + 1000, "vfat"), 1000)


def test_a_result_that_would_not_be_smaller() -> None:
    model = LocalModel("a", "A", Path("a.gguf"), 1000, "qwen2", "F16", 4096, None, None, "", False)
    quantize.check_size(model, "Q8_0", 999)
    with pytest.raises(InvalidInput) as caught:
        quantize.check_size(model, "Q8_0", 1000)
    assert caught.value.code == "not_smaller"


def test_a_folder_that_cannot_be_written(services: Services, model: LocalModel, tmp_path: Path) -> None:
    with closed(tmp_path) as folder:
        services.settings.set("models.folder", str(folder))
        with pytest.raises(BackendError) as caught:
            list(services.quantising.start(model, "Q4_K_M"))
    assert caught.value.code in ("folder_not_writable", "disk_failed", "read_only")


def test_the_wrong_thing_is_no_result(tmp_path: Path, model: LocalModel) -> None:
    """Whatever the engine did: only what has the right header gets a name."""
    made = tmp_path / "made-Q4_K_M.gguf"
    target = tmp_path / "models" / "quantised" / "made" / made.name
    for size in (10, model.size):
        shutil.copy(model.path, made)
        with pytest.raises(BackendError) as caught:
            quantize.settle(made, target, model, "Q6_K", size, CATALOG)
        assert caught.value.code == "quantise_failed"
        made.write_bytes(b"GGUF")
    with pytest.raises(BackendError, match="no good model"):
        quantize.settle(made, target, model, "Q4_K_M", 4, CATALOG)
    assert not target.exists()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DeepSeek-R1-F16.gguf", "DeepSeek-R1/DeepSeek-R1-Q4_K_M.gguf"),
        ("模型.gguf", "模型/模型-Q4_K_M.gguf"),
        ("a b c.Q8_0.gguf", "a-b-c/a-b-c-Q4_K_M.gguf"),
        ("big-BF16-00001-of-00003.gguf", "big/big-Q4_K_M.gguf"),
        ("F16.gguf", "F16/F16-Q4_K_M.gguf"),
    ],
)
def test_names(tmp_path: Path, name: str, expected: str) -> None:
    model = LocalModel("a", "A", tmp_path / name, 1, "qwen2", "F16", 4096, None, None, "", False)
    assert quantize.place(tmp_path, model, "Q4_K_M") == tmp_path / "quantised" / expected
