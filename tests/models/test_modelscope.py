"""ModelScope, told rightly: lists that are cut without a word, bytes at another address, refusals of its own kind."""

import base64
import json
import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, DownloadError, InvalidInput, NotFound, Unavailable
from backends.core.network import Network, NetworkOptions
from backends.core.phrase import NOTHING
from backends.models import gguf, modelscope, remote_header
from backends.models.modelscope import ModelScope
from backends.models.sources import Hub, accepts, open_source, same_file
from tests.kit.faults import HANG, Fault, cut, refused, web_page
from tests.kit.modelscope import ModelScopeServer
from tests.kit.sites import Proxy, Site, proxying, serving

REPO = "unsloth/DeepSeek-R1-0528-Qwen3-8B-GGUF"


@pytest.fixture
def scope() -> Iterator[ModelScopeServer]:
    with ModelScopeServer() as server:
        yield server


def sized(count: int) -> bytes:
    return os.urandom(count)


# ---- which protocol


@pytest.mark.parametrize(
    ("endpoint", "kind", "kept", "host", "name"),
    [
        ("https://huggingface.co/", Hub, "https://huggingface.co", "huggingface.co", "Hugging Face"),
        ("https://hf-mirror.com", Hub, "https://hf-mirror.com", "hf-mirror.com", "hf-mirror.com"),
        ("https://modelscope.cn", ModelScope, "https://modelscope.cn", "modelscope.cn", "ModelScope"),
        ("https://www.modelscope.cn/", ModelScope, "https://www.modelscope.cn", "www.modelscope.cn", "ModelScope"),
        ("https://modelscope.ai", ModelScope, "https://modelscope.ai", "modelscope.ai", "ModelScope"),
        ("modelscope:https://modelscope.cn", ModelScope, "https://modelscope.cn", "modelscope.cn", "ModelScope"),
        ("modelscope:http://10.0.0.5:90", ModelScope, "modelscope:http://10.0.0.5:90", "10.0.0.5:90", "10.0.0.5:90"),
        ("https://modelscope.cn.evil.io", Hub, "https://modelscope.cn.evil.io", *["modelscope.cn.evil.io"] * 2),
    ],
)  # fmt: skip
def test_the_address_says_which_protocol_is_spoken(network, endpoint, kind, kept, host, name):
    source = open_source(network, endpoint)
    assert isinstance(source, kind)
    assert (source.endpoint, source.host, source.name) == (kept, host, name)
    assert type(open_source(network, source.endpoint)) is kind


@pytest.mark.parametrize("endpoint", ["modelscope:", "modelscope:x", "modelscope:ftp://x", "modelscope:http://a:b@h"])
def test_an_endpoint_that_is_no_address_is_refused(network, endpoint):
    with pytest.raises(InvalidInput) as error:
        open_source(network, endpoint)
    assert error.value.code == "bad_endpoint"


# ---- listing


def test_the_models_of_a_repository_smallest_first_with_sizes_and_hashes(scope, network):
    parts = {f"Q8_0/R1-Q8_0-0000{n}-of-00002.gguf": sized(1000 * n) for n in (1, 2)}
    scope.add_repo(REPO, {"README.md": b"hi", "R1-Q4_K_M.gguf": sized(500), "mmproj-F16.gguf": sized(9)} | parts)
    q4, q8 = open_source(network, scope.address).files(REPO)
    assert (q4.quant, q4.file, q4.size, len(q4.sha256 or "")) == ("Q4_K_M", "R1-Q4_K_M.gguf", 500, 64)
    assert (q8.size, q8.parts, len(set(q8.sha256s))) == (3000, tuple(sorted(parts)), 2)


def test_the_same_bytes_are_the_same_file_on_both_hubs_and_other_bytes_are_not(scope, there, network):
    same, other = sized(300), sized(300)
    there.add_repo(REPO, {"R1-Q4_K_M.gguf": same, "R1-Q8_0.gguf": same})
    scope.add_repo(REPO, {"R1-Q4_K_M.gguf": same, "R1-Q8_0.gguf": other})
    hub, modelscope = Hub(network, there.endpoint), open_source(network, scope.address)
    here, beside = hub.files(REPO), modelscope.files(REPO)
    assert [same_file(one, two) for one, two in zip(here, beside, strict=True)] == [True, False]
    remotes = [(hub.resolve(REPO, f.file), modelscope.resolve(REPO, f.file)) for f in here]
    assert [accepts(one, two) for one, two in remotes] == [True, False]
    scope.bare_listing = True  # nothing to compare by: the bytes decide in the end
    assert [same_file(one, two) for one, two in zip(here, modelscope.files(REPO), strict=True)] == [True, True]
    scope.lie(REPO, "R1-Q4_K_M.gguf", size=299)
    assert not accepts(remotes[0][0], modelscope.resolve(REPO, "R1-Q4_K_M.gguf"))


def test_a_list_that_was_cut_without_a_word_is_read_folder_by_folder(scope, network, monkeypatch):
    monkeypatch.setattr(modelscope, "LIST_CAP", 8)
    scope.cap = 8
    files = {f"other/{n}.txt": b"x" for n in range(5)} | {f"Q{n}_K/R1-Q{n}_K.gguf": sized(n) for n in range(2, 7)}
    scope.add_repo(REPO, files | {"R1-F16.gguf": sized(99)})
    found = open_source(network, scope.address).files(REPO)
    assert [file.quant for file in found] == ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "F16"]
    scope.add_repo(REPO, {f"R1-{n}-Q4_K.gguf": b"x" for n in range(9)})
    with pytest.raises(DownloadError, match="does not list all files") as error:
        open_source(network, scope.address).files(REPO)
    assert error.value.code == "listing_incomplete"


def test_names_sizes_and_hashes_that_lie_are_not_offered(scope, network):
    good = "R1-Q4_K_M.gguf"
    bad = ["../R1-Q2_K.gguf", "C:\\R1-Q3_K.gguf", "a\u202eR1-Q5_K.gguf", "CON/R1-Q6_K.gguf", "R1-Q8_0.gguf"]
    scope.add_repo(REPO, {name: sized(10) for name in (good, *bad)})
    scope.lie(REPO, "R1-Q8_0.gguf", size=-1)
    scope.lie(REPO, good, sha256="../../" + "0" * 58)
    (file,) = open_source(network, scope.address).files(REPO)
    assert (file.file, file.sha256) == (good, None)


# ---- one file


def test_a_file_is_found_with_its_address_size_and_hash_whatever_the_other_hub_calls_the_revision(scope, network):
    path = "UD-Q2_K_XL/R1 2-UD-Q2_K_XL.gguf"
    scope.add_repo(REPO, {path: sized(70)})
    source = open_source(network, scope.address)
    for revision in ("", "main", "master", "0123456789abcdef0123456789abcdef01234567"):
        remote = source.resolve(REPO, path, revision=revision)
        assert (remote.size, remote.commit, len(remote.sha256 or "")) == (70, "", 64)
    with network.open("t", "GET", remote.url, private_host=source.hostname) as answer:
        assert (answer.status, len(answer.read(1000))) == (200, 70)
        assert urlsplit(answer.url).netloc == urlsplit(scope.cdn).netloc
    with pytest.raises(NotFound) as missing:
        source.resolve(REPO, "UD-Q2_K_XL/other.gguf")
    assert missing.value.code == "file_not_found"
    for bad in ("../x.gguf", "a\\x.gguf", "x.gguf:s"):
        with pytest.raises(InvalidInput):
            source.resolve(REPO, bad)


@pytest.mark.parametrize("status", [206, 200])
def test_a_piece_of_a_file_comes_with_either_status(scope, network, status):
    content = sized(5000)
    scope.add_repo(REPO, {"R1-Q4_K_M.gguf": content})
    scope.partial = status
    source = open_source(network, scope.address)
    remote = source.resolve(REPO, "R1-Q4_K_M.gguf")
    headers = {"Range": "bytes=1000-1999"}
    with network.open("t", "GET", remote.url, headers=headers, private_host=source.hostname) as answer:
        assert (answer.status, answer.headers["Content-Range"]) == (status, "bytes 1000-1999/5000")
        assert answer.read(9999) == content[1000:2000]
    assert scope.ranges("R1-Q4_K_M.gguf") == [(1000, 2000)]


@pytest.mark.parametrize("status", [206, 200])
def test_the_header_alone_is_read_of_a_model(scope, network, large, tmp_path, status):
    scope.add_repo(REPO, {"R1-Q8_0.gguf": large})
    scope.partial = status
    source = open_source(network, scope.address)
    (file,) = source.files(REPO)
    header = remote_header.fetch(network, source, REPO, file, tmp_path, cancel=CancelToken())
    assert header.header.shape.architecture == gguf.check(large).shape.architecture
    assert sum(stop - start for start, stop in scope.ranges("R1-Q8_0.gguf")) < large.stat().st_size


# ---- what goes wrong


@pytest.mark.parametrize(
    ("fault", "kind", "code", "says"),
    [
        (refused(401), DownloadError, "sign_in_needed", "private"),
        (refused(403), DownloadError, "forbidden", "refuses"),
        (refused(404), NotFound, "repository_not_found", "no repository"),
        (refused(429, Retry_After="7"), Unavailable, "rate_limited", "wait 7 s"),
        (refused(500), Unavailable, "hub_unavailable", "HTTP 500"),
        (refused(418), DownloadError, "hub_refused", "HTTP 418"),
        (web_page(), DownloadError, "not_a_hub", "not what a model hub sends"),
        (Fault(status=200, body=b"[]"), DownloadError, "not_a_hub", "not what"),
        (Fault(status=200, body=b"[" * 100_000), DownloadError, "not_a_hub", "not what"),
        (Fault(status=200, body=b'{"Data": {"Files": 3}}'), DownloadError, "not_a_hub", "not what"),
        (Fault(status=200, body=b'{"Data": {"Files": [3, {}, {"Path": 1}]}}'), NotFound, "no_gguf", "no GGUF"),
        (Fault(status=200, body=b" " * (8 << 20) + b"{}"), DownloadError, "not_a_hub", "not what"),
        (
            Fault(
                status=200, body=json.dumps({"Success": False, "Message": "\u202e模型\x1b[2J\n不存在" * 99}).encode()
            ),
            DownloadError,
            "hub_refused",
            "refuses: 模型",
        ),
        (cut(0), DownloadError, "connection_lost", "lost"),
    ],
)
def test_each_refusal_is_a_sentence_with_what_to_do(scope, network, fault, kind, code, says):
    scope.add_repo(REPO, {"R1-Q4_K_M.gguf": sized(10)})
    scope.fail("api", fault)
    with pytest.raises(kind, match=says) as error:
        open_source(network, scope.address).files(REPO)
    assert error.value.code == code
    assert error.value.hint.zh or code == "hub_refused"
    assert error.value.message.en.isprintable()
    assert len(error.value.message.en) < 300


def test_a_repository_that_is_not_there_and_one_without_gguf(scope, network):
    scope.add_repo("deepseek-ai/R1", {"model.safetensors": sized(10)})
    source = open_source(network, scope.address)
    with pytest.raises(NotFound) as missing:
        source.files(REPO)
    with pytest.raises(NotFound) as none:
        source.files("deepseek-ai/R1")
    assert (missing.value.code, none.value.code) == ("repository_not_found", "no_gguf")


def test_a_hub_that_hangs_ends_when_it_is_cancelled(scope, network):
    scope.fail("api", HANG)
    cancel = CancelToken()
    scope.when_paused(cancel.cancel)
    with pytest.raises(Cancelled):
        open_source(network, scope.address).search("r1", cancel=cancel)


def test_a_list_that_leads_inside_another_machine_is_not_followed(scope, network):
    with serving(Site()) as inside:
        inside.pages["/"] = lambda visitor: visitor.answer(200, b"{}")
        scope.fail("api", Fault(status=302, headers={"Location": inside.url("/", host="localhost")}))
        with pytest.raises(DownloadError) as error:
            open_source(network, scope.address).files(REPO)
    assert error.value.code == "redirect_refused"
    assert inside.asked == []


# ---- the access token


def test_the_token_goes_to_this_host_alone_and_a_bad_one_does_not_keep_a_public_model_away(scope, network):
    scope.add_repo("me/private", {"R1-Q4_K_M.gguf": sized(10)}, token="ms_right")
    scope.add_repo(REPO, {"R1-Q4_K_M.gguf": sized(10)})
    source = open_source(network, scope.address, "ms_right")
    (file,) = source.files("me/private")
    remote = source.resolve("me/private", file.file)
    options = {"headers": source.headers(), "secret_host": source.host, "private_host": source.hostname}
    with network.open("t", "GET", remote.url, **options) as answer:
        assert answer.status == 200
    assert all(r.headers["Cookie"] == "m_session_id=ms_right" for r in scope.seen("hub"))
    assert [(r.headers["Authorization"], r.headers["Cookie"]) for r in scope.seen("cdn")] == [(None, None)]
    bad = open_source(network, scope.address, "bad_token")
    assert len(bad.files(REPO)) == 1
    assert "does not accept" in bad.notice.en
    assert bad.headers() == {}
    assert open_source(network, scope.address).notice == NOTHING


# ---- search


def test_a_search_finds_repositories_with_ggufs_the_most_downloaded_first(scope, network):
    for name, downloads in (("a/R1-GGUF", 5), ("b/R1-8B-GGUF", 70), ("c/V3-GGUF", 900)):
        scope.add_repo(name, {"x.gguf": b"x"}, downloads=downloads, gated=name[0] == "a")
    scope.add_repo("d/R1", {"x.safetensors": b"x"}, tags=["library:pytorch"])
    found = open_source(network, scope.address).search("r1")
    assert [(m.repo, m.downloads, m.updated, m.gated) for m in found] == [
        ("b/R1-8B-GGUF", 70, "2026-10-01", False),
        ("a/R1-GGUF", 5, "2026-10-01", True),
    ]
    assert {m.endpoint for m in found} == {scope.address}


def test_what_a_search_says_is_not_believed(scope, network):
    models = [
        {"id": "../x", "downloads": 3}, {"id": "a/b\u202e"}, {"id": 7}, "x", None, {"id": "con/x"},
        {"id": "a/" + "b" * 300},
        {"id": "a/x", "tags": ["library:pytorch"]},
        {"id": "a/ok", "downloads": "many", "last_modified": 5, "gated": "auto"},
    ]  # fmt: skip
    scope.fail("api", Fault(status=200, body=json.dumps({"success": True, "data": {"models": models}}).encode()))
    (found,) = open_source(network, scope.address).search("x")
    assert (found.repo, found.downloads, found.updated, found.gated) == ("a/ok", None, "", True)


def test_a_hub_that_cannot_be_searched_says_so(scope, network):
    scope.fail("api", refused(404))
    with pytest.raises(DownloadError, match="searched") as error:
        open_source(network, scope.address).search("x")
    assert error.value.code == "no_search"


# ---- through a proxy with sign-in


def test_listing_search_and_bytes_go_through_a_proxy_that_knows_us(scope):
    scope.add_repo(REPO, {"R1-Q4_K_M.gguf": sized(100)}, plain=["R1-Q4_K_M.gguf"])
    with proxying(Proxy()) as proxy:
        proxy.target = urlsplit(scope.endpoint).port or 0
        proxy.wants = "Basic " + base64.b64encode(b"li:p@ss").decode()
        network = Network(NetworkOptions(proxy=f"http://li:p%40ss@{proxy.address}"))
        source = open_source(network, "modelscope:http://scope.example", "ms_token")
        assert len(source.files(REPO)) == len(source.search("r1")) == 1
        assert source.resolve(REPO, "R1-Q4_K_M.gguf").size == 100
        assert [first.split()[1][:21] for first, _ in proxy.asked] == ["http://scope.example/"] * 3
        assert all("authorization" not in told for _, told in proxy.asked)  # in clear to a public host: never
        network.configure(NetworkOptions(proxy=f"http://li:wrong@{proxy.address}"))
        for ask in (lambda: source.files(REPO), lambda: source.search("r1")):
            with pytest.raises(DownloadError, match="user name and a password") as error:
                ask()
            assert error.value.code == "proxy_auth"
            assert "http://user:password@host:port" in error.value.hint.en
            assert "wrong" not in str(error.value)
