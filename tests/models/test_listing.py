"""Which of the files in a repository is meant, and which file of another source is the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.core.errors import BackendError, InvalidInput, NotFound
from backends.core.paths import safe_name
from backends.models.listing import accepts, choose, models_in, same_file
from backends.models.remote import RemoteFile
from backends.models.types import ModelFile

REPO = "unsloth/DeepSeek-R1-0528-Qwen3-8B-GGUF"
A, B = "a" * 64, "b" * 64


def quants(*names: str) -> list[ModelFile]:
    return [ModelFile(name, f"R1-{name}.gguf", 100 + n) for n, name in enumerate(names)]


@pytest.mark.parametrize(
    ("there_are", "wanted", "taken"),
    [
        (("Q2_K", "Q4_K_M", "Q8_0"), "", "Q4_K_M"),
        (("Q2_K", "Q5_K_M", "Q8_0"), "", "Q5_K_M"),
        (("UD-IQ1_M", "UD-Q4_K_XL", "UD-Q8_K_XL"), "", "UD-Q4_K_XL"),
        (("Q8_0", "F16"), "", "Q8_0"),
        (("Q4_K_M", "UD-Q4_K_M"), "ud-q4_k_m", "UD-Q4_K_M"),
        (("Q2_K", "UD-Q4_K_XL"), "q4_k_xl", "UD-Q4_K_XL"),
        (("Q2_K", "Q8_0"), "R1-Q8_0.gguf", "Q8_0"),
    ],
)
def test_the_quant_that_is_meant(there_are, wanted, taken):
    assert choose(quants(*there_are), wanted, REPO).quant == taken


def test_a_quant_that_is_not_there_is_answered_with_what_is():
    with pytest.raises(NotFound, match="It has: Q2_K, Q8_0") as error:
        choose(quants("Q2_K", "Q8_0"), "Q4_K_M", REPO)
    assert error.value.code == "quant_not_found"


def test_two_models_in_one_repository_must_be_told_apart():
    files = [ModelFile("Q4_K_M", f"{size}-Q4_K_M.gguf", 10) for size in ("7B", "14B")]
    for wanted in ("", "Q4_K_M"):
        with pytest.raises(InvalidInput, match=r"7B-Q4_K_M\.gguf, 14B-Q4_K_M\.gguf"):
            choose(files, wanted, REPO)
    assert choose(files, "14B-Q4_K_M.gguf", REPO) is files[1]


def test_a_part_of_a_split_names_the_whole():
    parts = ("Q8_0/R1-Q8_0-00001-of-00002.gguf", "Q8_0/R1-Q8_0-00002-of-00002.gguf")
    files = [ModelFile("Q8_0", parts[0], 10, None, parts), ModelFile("Q8_0", "R1-MTP-less-Q8_0.gguf", 5)]
    assert choose(files, parts[1], REPO) is files[0]
    assert choose(files, "r1-q8_0-00002-of-00002.gguf", REPO) is files[0]


def split(*sha256s: str | None, size: int = 100) -> ModelFile:
    parts = tuple(f"x-{n:05}-of-{len(sha256s):05}.gguf" for n in range(1, len(sha256s) + 1))
    return ModelFile("Q8_0", parts[0], size, None, parts, sha256s=sha256s)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (ModelFile("Q8_0", "x.gguf", 10, A), ModelFile("Q8_0", "x.gguf", 10, A), True),
        (ModelFile("Q8_0", "x.gguf", 10, A), ModelFile("Q8_0", "x.gguf", 10, B), False),
        (ModelFile("Q8_0", "x.gguf", 10, A), ModelFile("Q8_0", "x.gguf", 10), True),
        (ModelFile("Q8_0", "x.gguf", 10, A), ModelFile("Q8_0", "x.gguf", 11, A), False),
        (ModelFile("Q8_0", "x.gguf", 10, A, approximate=True), ModelFile("Q8_0", "x.gguf", 11, A), True),
        (ModelFile("Q8_0", "x.gguf", 10, A), ModelFile("Q8_0", "y.gguf", 10, A), False),
        (split(A, B), split(A, B), True),
        (split(A, B), split(A, A), False),
        (split(A, B), split(A, None), True),
        (split(A, B), split(A), False),
        (split(A, B), ModelFile("Q8_0", split(A, B).file, 100, None, split(A, B).parts), True),
    ],
)
def test_the_same_file_elsewhere(one, other, same):
    assert same_file(one, other) is same_file(other, one) is same


def test_bytes_are_taken_from_another_source_only_if_it_promises_the_same():
    def at(size: int, sha256: str | None) -> RemoteFile:
        return RemoteFile("https://hub/x", size, sha256, "etag", "")

    assert accepts(at(5, A), at(5, A))
    assert accepts(at(5, A), at(5, None))
    assert not accepts(at(5, A), at(5, B))
    assert not accepts(at(5, A), at(6, A))


_PATHS = st.text("aQ4_KM/.\\:-0125of\u202e", min_size=1, max_size=30).map(lambda name: f"{name}.gguf")


@given(st.dictionaries(_PATHS, st.tuples(st.integers(0, 99), st.none() | st.just(A)), max_size=8))
def test_whatever_a_hub_lists_only_names_that_are_safe_everywhere_are_offered(files):
    said = ""
    found: list[ModelFile] = []
    try:
        found = models_in(REPO, files, host="hub")
    except BackendError as error:
        said = error.message.en
    assert said.isprintable()
    for file in found:
        for path in file.parts or (file.file,):
            assert path in files
            assert all(safe_name(part) == part for part in path.split("/"))
