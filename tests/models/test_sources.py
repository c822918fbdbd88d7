"""What a hub has, told rightly; and what it says when it does not give it."""

import base64
import hashlib
import json
import os
import threading
from collections.abc import Callable
from email.utils import formatdate
from urllib.parse import urlsplit

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, Cancelled, DownloadError, InvalidInput, NotFound, Unavailable
from backends.core.network import Network, NetworkOptions
from backends.core.phrase import NOTHING
from backends.models.catalog import Catalog
from backends.models.refusals import RateLimited, refusal
from backends.models.sources import Hub, locate
from tests.kit.faults import HANG, Fault, cut, refused, web_page
from tests.kit.hub import HubServer
from tests.kit.sites import Proxy, proxying

REPO = "unsloth/DeepSeek-R1-0528-Qwen3-8B-GGUF"
NAME = "DeepSeek-R1-0528-Qwen3-8B"


def sized(count: int) -> bytes:
    return os.urandom(count)


# ---- listing


def test_the_models_of_a_repository_smallest_first_with_sizes_and_hashes(there, network):
    q4, q8 = sized(4000), sized(8000)
    there.add_repo(REPO, {"README.md": b"hi", f"{NAME}-Q8_0.gguf": q8, f"{NAME}-Q4_K_M.gguf": q4}, plain=["README.md"])
    files = Hub(network, there.endpoint).files(REPO)
    assert [(f.quant, f.file, f.size) for f in files] == [
        ("Q4_K_M", f"{NAME}-Q4_K_M.gguf", 4000),
        ("Q8_0", f"{NAME}-Q8_0.gguf", 8000),
    ]
    assert all(f.sha256 and len(f.sha256) == 64 for f in files)


def test_parts_of_a_split_are_one_model_and_a_split_with_a_hole_is_none(there, network):
    whole = {f"UD-IQ1_M/V4-Flash-UD-IQ1_M-0000{n}-of-00003.gguf": sized(100 * n) for n in (1, 2, 3)}
    hole = {f"Q8_0/V4-Flash-Q8_0-0000{n}-of-00003.gguf": sized(100) for n in (1, 3)}
    there.add_repo(REPO, whole | hole)
    (file,) = Hub(network, there.endpoint).files(REPO)
    assert (file.quant, file.size, file.sha256, file.parts) == ("UD-IQ1_M", 600, None, tuple(sorted(whole)))
    assert file.sha256s == tuple(hashlib.sha256(whole[part]).hexdigest() for part in file.parts)
    assert file.file == file.parts[0]


def test_what_is_no_model_for_llama_cpp_is_left_out(there, network):
    no_models = [
        "mmproj-F16.gguf", "DeepSeek-OCR-mmproj-f16.gguf", "imatrix_unsloth.gguf", "R1.imatrix.gguf",
        "R1-MTP-Q8_0.gguf",
        "R1-draft-Q4_K_M.gguf", "R1-DSpark-F16.gguf", "R1.Q8_0.gguf.part1of2", "ik_llama/R1-IQ2_KS.gguf",
        "model.safetensors", "config.json",
    ]  # fmt: skip
    models = ["R1.Q4_K_M.gguf", "R1.i1-IQ3_M.gguf", "R1-Q5_K_M-imatrix.gguf", "R1-Draftsman-Q6_K.gguf"]
    there.add_repo(REPO, {path: sized(10 + n) for n, path in enumerate(models + no_models)})
    assert [f.file for f in Hub(network, there.endpoint).files(REPO)] == models


def test_a_mirror_that_leaves_out_sizes_and_headers_is_asked_in_another_way(there, network):
    q4 = sized(5000)
    there.bare_listing = there.bare_headers = True
    there.add_repo(REPO, {"R1-Q4_K_M.gguf": q4})
    hub = Hub(network, there.endpoint)
    (file,) = hub.files(REPO)
    remote = hub.resolve(REPO, file.file)
    assert file.size == remote.size == 5000
    assert file.sha256 == remote.sha256 is not None
    assert remote.url == f"{there.endpoint}/{REPO}/resolve/main/R1-Q4_K_M.gguf"


def test_a_file_is_pinned_to_the_commit_in_which_it_was_seen(there, network):
    there.add_repo(REPO, {"Q4_K_M/R1 2-Q4_K_M.gguf": sized(100)})
    remote = Hub(network, there.endpoint).resolve(REPO, "Q4_K_M/R1 2-Q4_K_M.gguf")
    assert len(remote.commit) == 40
    assert remote.url == f"{there.endpoint}/{REPO}/resolve/{remote.commit}/Q4_K_M/R1%202-Q4_K_M.gguf"


def test_a_repository_for_another_engine_and_one_without_gguf_are_refused_in_words(there, network):
    there.add_repo("ubergarm/R1-GGUF", {"R1-IQ2_KS.gguf": sized(10)}, tags=["ik_llama.cpp", "gguf"])
    there.add_repo("deepseek-ai/R1", {"model.safetensors": sized(10)})
    hub = Hub(network, there.endpoint)
    with pytest.raises(InvalidInput, match=r"ik_llama\.cpp") as fork:
        hub.files("ubergarm/R1-GGUF")
    with pytest.raises(NotFound, match="-GGUF") as none:
        hub.files("deepseek-ai/R1")
    assert (fork.value.code, none.value.code) == ("foreign_fork", "no_gguf")


def test_a_repository_of_300_files_is_listed_at_once_with_the_parts_joined(there, network):
    quants = ["Q2_K", "Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0"]
    files = {f"{q}/R1-{q}-{n:05}-of-00048.gguf": b"x" for q in quants for n in range(1, 49)}
    there.add_repo(REPO, files | {f"note-{n}.txt": b"x" for n in range(12)})
    found = Hub(network, there.endpoint).files(REPO)
    assert [(file.quant, len(file.parts), len(file.sha256s)) for file in found] == [(q, 48, 48) for q in quants]
    assert len(there.requests) == 1


@pytest.mark.parametrize(
    ("names", "code", "says"),
    [
        (["R1.Q8_0.gguf.part1of2", "R1.Q8_0.gguf.part2of2"], "raw_parts", "raw pieces"),
        (["mmproj-F16.gguf", "R1-draft-Q4_K_M.gguf"], "no_gguf", "no model that runs by itself: .*mmproj-F16"),
        (["imatrix_unsloth.gguf"], "no_gguf", "no model that runs by itself"),
        (["Q8/R1-Q8_0-00001-of-00003.gguf", "Q8/R1-Q8_0-00003-of-00003.gguf"], "no_gguf", "parts are missing"),
        (["../R1-Q4_K_M.gguf"], "no_gguf", "holds no GGUF"),
        (["R1-Q4_K_M-00001-of-99999.gguf"], "no_gguf", "parts are missing"),
    ],
)
def test_a_repository_without_a_model_for_us_says_what_it_has(there, network, names, code, says):
    there.add_repo(REPO, {name: sized(10) for name in names})
    with pytest.raises(NotFound, match=says) as error:
        Hub(network, there.endpoint).files(REPO)
    assert error.value.code == code
    assert error.value.hint.zh


def test_a_raw_piece_that_was_asked_for_is_refused_though_there_are_models(there, network):
    there.add_repo(REPO, {"R1-Q4_K_M.gguf": sized(10), "R1.Q8_0.gguf.part1of2": sized(10)})
    with pytest.raises(NotFound) as error:
        locate(Hub(network, there.endpoint), Catalog.load(), f"{REPO}:R1.Q8_0.gguf.part1of2")
    assert error.value.code == "raw_parts"


def test_what_a_listing_lies_about_is_not_offered(there, network):
    names = ["R1-Q4_K_M.gguf", "R1-Q5_K_M.gguf", "../../R1-Q2_K.gguf", "a\\R1-Q3_K.gguf", "nul/R1-Q6_K.gguf"]
    there.add_repo(REPO, {name: sized(10) for name in names})
    there.lie(REPO, "R1-Q5_K_M.gguf", size=1 << 60)
    there.lie(REPO, "R1-Q4_K_M.gguf", sha256="0" * 63 + "/")
    (file,) = Hub(network, there.endpoint).files(REPO)
    assert (file.file, file.sha256) == ("R1-Q4_K_M.gguf", None)


def test_the_files_of_another_revision(there, network):
    there.add_repo(REPO, {"R1-Q4_K_M.gguf": sized(10)})
    commit = Hub(network, there.endpoint).resolve(REPO, "R1-Q4_K_M.gguf").commit
    there.add_repo(REPO, {"R1-Q8_0.gguf": sized(10)})
    link = f"{there.endpoint}/{REPO}/blob/{commit}/R1-Q4_K_M.gguf"
    assert locate(Hub(network, there.endpoint), Catalog.load(), link)[1].quant == "Q4_K_M"
    assert [file.quant for file in Hub(network, there.endpoint).files(REPO)] == ["Q8_0"]


def test_a_link_to_a_file_that_nobody_vouches_for_is_not_located(there, network):
    with pytest.raises(InvalidInput) as error:
        locate(Hub(network, there.endpoint), Catalog.load(), "http://127.0.0.1:9/x.gguf")
    assert error.value.code == "no_checksum"


# ---- search


def test_a_search_finds_repositories_with_ggufs_the_most_downloaded_first(there, network):
    for name, downloads in (("a/R1-GGUF", 5), ("b/R1-8B-GGUF", 70), ("c/V3-GGUF", 900)):
        there.add_repo(name, {"x.gguf": b"x"}, downloads=downloads, gated=name[0] == "a")
    there.add_repo("d/R1", {"x.safetensors": b"x"}, tags=["pytorch"])
    found = Hub(network, there.endpoint).search("r1")
    assert [(m.repo, m.downloads, m.updated, m.gated) for m in found] == [
        ("b/R1-8B-GGUF", 70, "2026-10-01", False),
        ("a/R1-GGUF", 5, "2026-10-01", True),
    ]
    assert {m.endpoint for m in found} == {there.endpoint}
    assert len(Hub(network, there.endpoint).search("", limit=2)) == 2


def test_what_a_search_says_is_not_believed(there, network):
    ids = ["../x", "a/b\u202e", "con/x", "a/" + "b" * 300, "a/b--c", "x", "a/ok"]
    body = json.dumps([{"id": name, "tags": ["gguf"], "downloads": -1} for name in ids]).encode()
    there.fail("api", Fault(status=200, body=body))
    (found,) = Hub(network, there.endpoint).search("x")
    assert (found.repo, found.downloads, found.updated) == ("a/ok", None, "")


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"[" * 50_000, "not_a_hub"), (b"{}", "not_a_hub"), (b'[{"tags": []}, 3]', "found nothing")],
)
def test_a_search_that_answers_nonsense_is_no_hub_s(there, network, body, code):
    there.fail("api", Fault(status=200, body=body))
    assert _code_of(lambda: Hub(network, there.endpoint).search("x")) == code


def test_an_answer_of_a_gigabyte_is_refused(there, network):
    there.fail("api", Fault(status=200, body=b'[{"id": "a/b"}' + b" " * (9 << 20) + b"]"))
    assert _code_of(lambda: Hub(network, there.endpoint).search("x")) == "not_a_hub"
    assert _code_of(lambda: Hub(network, there.endpoint).files(REPO)) == "too_much"


def _code_of(ask: Callable[[], object]) -> str:
    try:
        return "found something" if ask() else "found nothing"
    except BackendError as error:
        return error.code


# ---- what goes wrong


@pytest.mark.parametrize(
    ("status", "code", "headers", "kind", "our_code", "says"),
    [
        (401, "", {}, DownloadError, "sign_in_needed", "private"),
        (401, "RepoNotFound", {}, NotFound, "repository_not_found", "no repository"),
        (404, "RepoNotFound", {}, NotFound, "repository_not_found", "no repository"),
        (404, "", {}, NotFound, "repository_not_found", "no repository"),
        (403, "GatedRepo", {}, DownloadError, "gated", "accept"),
        (403, "", {}, DownloadError, "forbidden", "refuses"),
        (429, "", {"Retry_After": "7"}, Unavailable, "rate_limited", "wait 7 s"),
        (429, "", {"RateLimit": '"api";r=0;t=55'}, Unavailable, "rate_limited", "wait 55 s"),
        (500, "", {}, Unavailable, "hub_unavailable", "HTTP 500"),
        (503, "", {}, Unavailable, "hub_unavailable", "HTTP 503"),
        (418, "", {}, DownloadError, "hub_refused", "HTTP 418"),
    ],
)
def test_each_refusal_is_a_sentence_with_what_to_do_and_asked_once(
    there, network, status, code, headers, kind, our_code, says
):
    there.add_repo(REPO, {"R1-Q4_K_M.gguf": sized(10)})
    there.fail("api", refused(status, code, **headers))
    with pytest.raises(kind, match=says) as error:
        Hub(network, there.endpoint).files(REPO)
    assert error.value.code == our_code
    assert error.value.message.zh
    assert error.value.hint.zh or status == 418
    assert len(there.requests) == 1


def test_a_file_that_is_not_there_and_one_that_is_gated(there, network):
    there.add_repo(REPO, {"R1-Q4_K_M.gguf": sized(10)})
    there.add_repo("meta/gated", {"R1-Q4_K_M.gguf": sized(10)}, gated=True)
    hub = Hub(network, there.endpoint)
    with pytest.raises(NotFound, match=r"R1-Q9\.gguf is not") as missing:
        hub.resolve(REPO, "R1-Q9.gguf")
    with pytest.raises(DownloadError, match=rf"{there.endpoint}/meta/gated") as gated:
        hub.resolve("meta/gated", "R1-Q4_K_M.gguf")
    assert (missing.value.code, gated.value.code) == ("file_not_found", "gated")


def test_a_date_in_retry_after_is_understood_and_an_absurd_one_bounded():
    now = refusal(429, {"Retry-After": formatdate(0)}, endpoint="https://hub", repo=REPO)
    ages = refusal(429, {"Retry-After": "999999999"}, endpoint="https://hub", repo=REPO)
    assert isinstance(now, RateLimited)
    assert isinstance(ages, RateLimited)
    assert (now.seconds, ages.seconds) == (0, 3600)


@pytest.mark.parametrize("page", [web_page(), refused(200), cut(0)], ids=["sign-in page", "other JSON", "cut off"])
def test_an_answer_that_is_no_hub_s_is_said_to_be_none(there, network, page):
    there.add_repo(REPO, {"R1-Q4_K_M.gguf": sized(10)})
    there.fail("api", page)
    with pytest.raises(DownloadError) as error:
        Hub(network, there.endpoint).files(REPO)
    assert error.value.code in ("not_a_hub", "connection_lost")
    assert error.value.hint != NOTHING


def test_nobody_there_is_no_network(network):
    with HubServer() as gone:
        endpoint = gone.endpoint
    with pytest.raises(DownloadError) as error:
        Hub(network, endpoint).files(REPO)
    assert error.value.code == "no_network"


def test_listing_a_hub_that_hangs_ends_when_it_is_cancelled(there, network):
    there.add_repo(REPO, {"R1-Q4_K_M.gguf": sized(10)})
    there.fail("api", HANG)
    cancel = CancelToken()
    timer = threading.Timer(0.1, cancel.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        Hub(network, there.endpoint).files(REPO, cancel=cancel)
    timer.join()


# ---- the access token


def test_a_private_repository_opens_to_its_token_and_hides_from_others(there, network):
    there.add_repo("me/private", {"R1-Q4_K_M.gguf": sized(10)}, token="hf_right")
    assert Hub(network, there.endpoint, "hf_right").files("me/private")
    with pytest.raises(NotFound, match="access token"):
        Hub(network, there.endpoint).files("me/private")


def test_a_bad_token_does_not_keep_a_public_model_away(there, network):
    there.add_repo(REPO, {"R1-Q4_K_M.gguf": sized(10)})
    hub = Hub(network, there.endpoint, "bad_token")
    assert len(hub.files(REPO)) == 1
    assert "does not accept" in hub.notice.en
    assert hub.headers() == {}
    assert [r.headers["Authorization"] for r in there.requests] == ["Bearer bad_token", None]
    hub.resolve(REPO, "R1-Q4_K_M.gguf")
    assert there.requests[-1].headers["Authorization"] is None


def test_no_token_of_this_computer_is_sent_unasked(there, network, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_from_the_environment")
    there.add_repo(REPO, {"R1-Q4_K_M.gguf": sized(10)})
    hub = Hub(network, there.endpoint)
    hub.files(REPO)
    hub.resolve(REPO, "R1-Q4_K_M.gguf")
    assert [r.headers["Authorization"] for r in there.requests] == [None, None]


# ---- names


@pytest.mark.parametrize("file", ["../x.gguf", "/x.gguf", "a//x.gguf", "a\\x.gguf", "x.gguf:stream", "aux.gguf"])
def test_a_file_name_that_leads_elsewhere_is_never_asked_for(there, network, file):
    with pytest.raises(InvalidInput) as error:
        Hub(network, there.endpoint).resolve(REPO, file)
    assert error.value.code == "bad_name"
    assert there.requests == []


@pytest.mark.parametrize(
    "endpoint", ["", "huggingface.co", "ftp://hub", "https://", "https://user:key@hub", "https://hub?x=1"]
)
def test_an_endpoint_that_is_no_address_is_refused(network, endpoint):
    with pytest.raises(InvalidInput) as error:
        Hub(network, endpoint)
    assert error.value.code == "bad_endpoint"


# ---- which of them


def test_a_name_of_the_catalogue_and_one_of_a_repository_lead_to_a_file_on_the_hub(there, network):
    catalog = Catalog.load()
    repo = catalog.find("r1-0528-qwen3-8b").repo
    there.add_repo(repo, {f"renamed-{quant}.gguf": sized(100) for quant in ("Q2_K", "Q4_K_M", "UD-Q4_K_XL")})
    hub = Hub(network, there.endpoint)
    for text, file in (
        ("r1-0528-qwen3-8b", "renamed-Q4_K_M.gguf"),
        ("R1-0528-Qwen3-8B:q2_k", "renamed-Q2_K.gguf"),
        (f"{repo}:Q4_K_XL", "renamed-UD-Q4_K_XL.gguf"),
    ):
        found_repo, found = locate(hub, catalog, text)
        assert (found_repo, found.file, found.size) == (repo, file, 100)
    with pytest.raises(NotFound) as unknown:
        locate(hub, catalog, "no-such-model")
    with pytest.raises(NotFound) as missing:
        locate(hub, catalog, "r1-0528-qwen3-8b:Q8_0")
    assert (unknown.value.code, missing.value.code) == ("unknown_model", "quant_not_found")


def test_the_hub_hears_who_asks_and_nothing_else_about_this_computer(there, network):
    there.add_repo(REPO, {"R1-Q4_K_M.gguf": sized(10)})
    hub = Hub(network, there.endpoint)
    hub.files(REPO)
    hub.resolve(REPO, "R1-Q4_K_M.gguf")
    for request in there.requests:
        assert request.headers["User-Agent"].startswith("DeskSeek/")
        assert set(map(str.lower, request.headers)) <= {
            "host", "accept", "accept-encoding", "connection", "user-agent",
        }  # fmt: skip


# ---- through a proxy with sign-in


def test_listing_and_search_go_through_a_proxy_that_knows_us(there):
    there.add_repo(REPO, {"R1-Q4_K_M.gguf": sized(100)})
    with proxying(Proxy()) as proxy:
        proxy.target = urlsplit(there.endpoint).port or 0
        proxy.wants = "Basic " + base64.b64encode(b"li:p@ss").decode()
        network = Network(NetworkOptions(proxy=f"http://li:p%40ss@{proxy.address}"))
        hub = Hub(network, "http://mirror.example")
        assert len(hub.files(REPO)) == len(hub.search("r1")) == 1
        assert hub.resolve(REPO, "R1-Q4_K_M.gguf").size == 100
        network.configure(NetworkOptions(proxy=f"http://{proxy.address}"))
        for ask in (lambda: hub.files(REPO), lambda: hub.search("r1"), lambda: hub.resolve(REPO, "R1-Q4_K_M.gguf")):
            with pytest.raises(DownloadError, match="user name and a password") as error:
                ask()
            assert error.value.code == "proxy_auth"
            assert "http://user:password@host:port" in error.value.hint.en
