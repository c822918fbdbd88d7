"""What a person may type or paste for a model; and what is refused, in words, wherever it leads (SEC-24)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.core.errors import InvalidInput
from backends.core.paths import safe_name
from backends.models.links import Ref, check_direct, parse_ref

REPO = "unsloth/DeepSeek-R1-0528-Qwen3-8B-GGUF"
HF = "https://huggingface.co"
MIRROR = "https://hf-mirror.com"
SCOPE = "https://modelscope.cn"
OWN = "http://127.0.0.1:8080"
SCOPE_OF_OWN = "modelscope:http://127.0.0.1:8080"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("r1-0528-qwen3-8b", Ref("r1-0528-qwen3-8b")),
        ("r1-0528-qwen3-8b:q4_k_m", Ref("r1-0528-qwen3-8b", "q4_k_m")),
        (f" {REPO}:UD-Q4_K_XL ", Ref(REPO, "UD-Q4_K_XL")),
        (f"{REPO}:UD-IQ1_M/x-00001-of-00003.gguf", Ref(REPO, "UD-IQ1_M/x-00001-of-00003.gguf")),
        (f"hf.co/{REPO}:Q8_0", Ref(REPO, "Q8_0", HF)),
        (f"{HF}/{REPO}/", Ref(REPO, "", HF)),
        (f"HTTPS://HuggingFace.co/{REPO}", Ref(REPO, "", HF)),
        (f"http://www.huggingface.co/{REPO}", Ref(REPO, "", HF)),
        (f"huggingface.co/{REPO}/tree/main", Ref(REPO, "", HF)),
        (f"{HF}/{REPO}/tree/main/UD-Q4_K_XL", Ref(REPO, "UD-Q4_K_XL", HF)),
        (f"{HF}/{REPO}/tree/main/BF16?not-for-all-audiences=true", Ref(REPO, "BF16", HF)),
        (f"{HF}/{REPO}/tree/main/folder", Ref(REPO, "", HF)),
        (f"{HF}/{REPO}/discussions/3", Ref(REPO, "", HF)),
        (f"{HF}/{REPO}?show_file_info=Q4%2Fx-Q4_K_M.gguf", Ref(REPO, "Q4/x-Q4_K_M.gguf", HF)),
        (f"{HF}/{REPO}?library=llama-cpp-python#usage", Ref(REPO, "", HF)),
        (f"{MIRROR}/{REPO}/blob/main/Q4/x-Q4_K_M.gguf", Ref(REPO, "Q4/x-Q4_K_M.gguf", MIRROR)),
        (f"{HF}/{REPO}/resolve/main/x.gguf?download=true", Ref(REPO, "x.gguf", HF)),
        (f"{HF}/{REPO}/resolve/main/R1%202.gguf", Ref(REPO, "R1 2.gguf", HF)),
        (f"{HF}/{REPO}/blob/{COMMIT}/x.gguf", Ref(REPO, "x.gguf", HF, COMMIT)),
        (f"modelscope.cn/{REPO}:Q4_K_M", Ref(REPO, "Q4_K_M", SCOPE)),
        (f"modelscope:{REPO}", Ref(REPO, "", SCOPE)),
        (f"https://www.modelscope.cn/models/{REPO}", Ref(REPO, "", SCOPE)),
        (f"https://www.modelscope.cn/models/{REPO}/files", Ref(REPO, "", SCOPE)),
        (f"{SCOPE}/models/{REPO}/summary", Ref(REPO, "", SCOPE)),
        (f"{SCOPE}/models/{REPO}/tree/master/Q8_0", Ref(REPO, "Q8_0", SCOPE)),
        (f"{SCOPE}/models/{REPO}/resolve/master/Q8/x.gguf", Ref(REPO, "Q8/x.gguf", SCOPE)),
        (f"{SCOPE}/models/{REPO}/resolve/v2/x.gguf", Ref(REPO, "x.gguf", SCOPE, "v2")),
        (f"{SCOPE}/models/{REPO}/file/view/master/x.gguf?status=2", Ref(REPO, "x.gguf", SCOPE)),
        (f"{SCOPE}/models/{REPO}/file/view/master?fileName=x.gguf&status=2", Ref(REPO, "x.gguf", SCOPE)),
        (
            f"{SCOPE}/api/v1/models/{REPO}/repo?Revision=master&FilePath=UD-Q2_K%2Fx.gguf",
            Ref(REPO, "UD-Q2_K/x.gguf", SCOPE),
        ),
        (f"https://modelscope.ai/models/{REPO}/files", Ref(REPO, "", "https://modelscope.ai")),
        (f"{OWN}/{REPO}", Ref(REPO, "", OWN)),
        (f"{OWN}/{REPO}:Q4_K_M", Ref(REPO, "Q4_K_M", OWN)),
        (f"{OWN}/{REPO}/resolve/main/f.gguf", Ref(REPO, "f.gguf", OWN)),
        ("http://[::1]:8080/org/name/tree/dev/Q8_0", Ref("org/name", "Q8_0", "http://[::1]:8080", "dev")),
        (f"{OWN}/models/{REPO}/files", Ref(REPO, "", SCOPE_OF_OWN)),
        (f"modelscope:{OWN}/{REPO}:Q4_K_M", Ref(REPO, "Q4_K_M", SCOPE_OF_OWN)),
        ("https://example.org/a/b", Ref("a/b", "", "https://example.org")),
        ("https://example.org/x.gguf", Ref("x", direct="https://example.org/x.gguf")),
        (
            "http://192.168.0.7/llm/big/R1-Q4_K_M.gguf?sign=a%2Fb#top",
            Ref("R1-Q4_K_M", direct="http://192.168.0.7/llm/big/R1-Q4_K_M.gguf?sign=a%2Fb"),
        ),
    ],
)
def test_a_model_may_be_named_in_the_ways_people_name_it(text, ref):
    assert parse_ref(text) == ref


def test_links_to_the_hubs_of_the_settings_are_known_with_their_paths():
    inside = "https://artifacts.corp/api/huggingfaceml/hf"
    scope = "modelscope:http://models.lan:9000"
    endpoints = [HF, inside, scope]
    assert parse_ref(f"{inside}/{REPO}/blob/main/x.gguf", endpoints) == Ref(REPO, "x.gguf", inside)
    assert parse_ref(f"http://models.lan:9000/models/{REPO}/files", endpoints) == Ref(REPO, "", scope)
    assert parse_ref(f"http://models.lan:9000/{REPO}:Q8_0", endpoints) == Ref(REPO, "Q8_0", scope)


BAD = [
    "", " ", ":", "/", "a/b/c", "/etc/passwd", "../up", "a/..", "../..", "org/..name", "org/na--me", "org/con/x",
    "con/name", "org/nul.gguf", "org/name:../x", "org/name:a/../../b", "org/name:/x", "org/name:a//b", "org/name:x/",
    "org/name:..\\x", "org/name:a\\b", "org/name:CON", "org/name:aux.gguf", "org/name:COM1", "org/name:lpt9.txt",
    "org/name:x.gguf:stream", "org/name:x.gguf.", "org/name: x", "org/name:a\0b", "org/name:a\nb",
    "org/name:a\u202egguf.exe", "org/name\u200f", "org/name:\u2066x", "C:\\x", "c:/models/x.gguf", "\\\\host\\share",
    "o" * 200, f"org/{'n' * 300}", f"org/name:{'q' * 300}", "x" * 5000, "a b", "org/na me", "org/näme", "модель/имя",
    "-org/name",
    "org/name:x<y", "org/name:x|y", "org/name:x?y", 'org/name:"x"', "CON", "nul", "a.",
    "ftp://huggingface.co/org/name", "file:///etc/passwd", "javascript://x/org/name", "http:///org/name", "https://",
    "http://host:port/org/name", "http://host:99999/org/name", "http://[::1/org/name", "http://[fe80::1%25eth0]/org/name",
    f"{HF}", f"{HF}/org", f"{HF}/datasets/org/name", f"{HF}/spaces/org/name", f"{HF}/org/name/blob/main",
    f"{HF}/org/name/what/x",
    f"{HF}/org/name/resolve/main/../../x.gguf", f"{HF}/org/name/resolve/main/%2e%2e/x.gguf",
    f"{HF}/org/name/resolve/main/a%2Fb.gguf", f"{HF}/org/name/resolve/main/a%5Cb.gguf",
    f"{HF}/org/name/resolve/main/a%252Fb.gguf", f"{HF}/org/name/resolve/main/x%00.gguf",
    f"{HF}/org/name/resolve/main/%E2%80%AEx.gguf", f"{HF}/org/name/resolve/main/aux.gguf",
    f"{HF}/org/name/resolve/refs%2Fpr%2F1/x.gguf", f"{HF}/org/name/resolve/../x.gguf",
    f"{HF}/org/name//blob/main/x.gguf",
    f"{HF}/org%2Fname/blob/main/x.gguf", f"{HF}/org/name:Q4/blob/main/x.gguf", f"{HF}/org/name?show_file_info=../x",
    f"{SCOPE}/models/org", f"{SCOPE}/datasets/org/name", f"{SCOPE}/api/v1/models/org/name/repo?FilePath=..%2Fx.gguf",
    f"{SCOPE}/api/v1/models/org/name/repo?FilePath=C%3A%5Cx.gguf", f"{SCOPE}/models/org/name/resolve/master/a%2Fb",
    f"{SCOPE}/models/org/name/files?Revision=../x", "modelscope:name", "modelscope:../x",
    f"{OWN}/org", f"{OWN}/a/b/c", f"{OWN}/a/con.gguf", f"{OWN}/a/%2e%2e%2fx.gguf",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_what_cannot_be_a_name_is_refused(text):
    with pytest.raises(InvalidInput) as error:
        parse_ref(text)
    assert error.value.code in ("bad_ref", "bad_name")
    assert error.value.message.en.isprintable()
    assert error.value.message.zh
    assert error.value.hint.zh
    assert len(error.value.message.en) < 300


@pytest.mark.parametrize(
    "text", ["https://li:hidden@huggingface.co/org/name", "http://hidden@127.0.0.1/x.gguf", "http://:hidden@[x/a/b"]
)
def test_a_password_in_a_link_is_refused_and_not_repeated(text):
    with pytest.raises(InvalidInput) as error:
        parse_ref(text)
    assert error.value.code in ("password_in_link", "bad_ref")
    assert "hidden" not in f"{error.value.message} {error.value.hint}"


def test_a_file_that_nobody_vouches_for_is_not_downloaded_but_may_be_imported():
    check_direct(Ref("org/name", "x.gguf"))
    with pytest.raises(InvalidInput, match="sha256") as error:
        check_direct(parse_ref("https://example.org/x.gguf"))
    assert error.value.code == "no_checksum"
    assert "import" in error.value.hint.en


_WORDS = [
    "org", "name", "/", "/", "/", ":", "..", "\\", "%2e", "%2F", "%00", "resolve/main", "blob", "http://", "https://",
    "h.x",
    "modelscope:", "modelscope.cn/models", "hf.co/", "?FilePath=", "&", "#", "@", "\u202e", "con", ".gguf", "Q4",
]  # fmt: skip
_PIECES = st.lists(st.sampled_from(_WORDS) | st.text(max_size=3), max_size=12)


@given(_PIECES.map("".join))
def test_whatever_is_pasted_nothing_that_comes_of_it_leads_elsewhere(text):
    try:
        ref = parse_ref(text)
    except InvalidInput:
        return
    for part in (*ref.name.split("/"), *(ref.wanted.split("/") if ref.wanted else ())):
        assert safe_name(part) == part
    assert ref.is_repo or not ref.endpoint
    assert ref.endpoint.removeprefix("modelscope:").startswith(("http://", "https://")) or not ref.endpoint
    assert "@" not in ref.endpoint + ref.direct.partition("?")[0].partition("/")[0]
