"""Hubs in turn: the first one that answers is taken, the person is told why others were not, tokens stay at home."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.core.errors import DownloadError, InvalidInput, NotFound, Unavailable
from backends.core.paths import Paths
from backends.core.secrets import Secrets
from backends.models.links import parse_ref
from backends.services import Services
from backends.services.downloads import TOKEN
from backends.services.hubs import Found, HubServices, Listed
from tests.kit.faults import HANG, refused, web_page
from tests.kit.hub import HubServer
from tests.kit.modelscope import ModelScopeServer

REPO = "unsloth/DeepSeek-R1-0528-Qwen3-8B-GGUF"
GGUF = {"R1-Q4_K_M.gguf": b"0123456789"}


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def mirror() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def scope() -> Iterator[ModelScopeServer]:
    with ModelScopeServer() as server:
        yield server


@pytest.fixture
def services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: HubServer, mirror: HubServer, scope: ModelScopeServer
) -> Iterator[Services]:
    """Three sources: a hub, a mirror of it, ModelScope."""
    monkeypatch.chdir(tmp_path)
    with Services.open(Paths.under(tmp_path)) as services:
        services.secrets = Secrets(candidates=[])
        services.settings.set("network.endpoint", hub.endpoint)
        services.settings.set("network.more_sources", f"{mirror.endpoint}, {scope.address}")
        yield services


def found(services: Services, text: str) -> Found:
    (answer,) = services.hubs.search(text)
    return answer


def listed(hubs: HubServices, repo: str, endpoint: str | None = None) -> Listed:
    (answer,) = hubs.listing(repo, endpoint)
    return answer


# ---- in turn


def test_sources_are_those_of_the_settings_each_once_and_another_one_comes_before_them(services, hub, mirror, scope):
    services.settings.set("network.more_sources", f"{mirror.endpoint}, {hub.endpoint}, {scope.address}")
    assert [one.endpoint for one in services.hubs.sources()] == [hub.endpoint, mirror.endpoint, scope.address]
    assert [one.endpoint for one in services.hubs.sources(scope.address)][:2] == [scope.address, hub.endpoint]
    assert services.hubs.source().endpoint == hub.endpoint
    assert services.hubs.source("https://modelscope.cn/").name == "ModelScope"


def test_a_link_leads_to_its_hub_but_hugging_face_is_asked_where_the_settings_say(services, hub):
    def order(link: str, endpoint: str | None = None) -> list[str]:
        return [one.endpoint for one in services.hubs.sources_for(parse_ref(link), endpoint)]

    own = "http://127.0.0.1:9"
    assert order(f"{own}/{REPO}")[:2] == [own, hub.endpoint]
    assert order(f"https://modelscope.cn/models/{REPO}")[:2] == ["https://modelscope.cn", hub.endpoint]
    assert order(f"https://huggingface.co/{REPO}")[0] == hub.endpoint
    assert order(f"https://huggingface.co/{REPO}")[-1] == "https://huggingface.co"
    assert order(f"https://huggingface.co/{REPO}", own)[0] == own
    assert order(REPO)[0] == hub.endpoint


def test_a_search_takes_the_first_source_that_answers_and_tells_why_the_others_did_not(services, hub, mirror, scope):
    scope.add_repo("a/R1-GGUF", GGUF)
    hub.fail("api", refused(503))
    mirror.fail("api", web_page())
    answer = found(services, " r1 ")
    assert ([model.repo for model in answer.models], answer.source) == (["a/R1-GGUF"], scope.endpoint[7:])
    assert answer.models[0].endpoint == scope.address
    assert ["in trouble" in answer.missed[0].en, "not what a model hub sends" in answer.missed[1].en] == [True, True]
    hub.heal()
    hub.add_repo("b/R1-GGUF", GGUF)
    assert (found(services, "r1").models[0].repo, found(services, "r1").missed) == ("b/R1-GGUF", ())
    assert len(scope.requests) == 1


def test_a_search_that_nobody_answers_says_what_the_first_one_said(services, hub, mirror, scope):
    hub.fail("api", refused(429, Retry_After="7"))
    mirror.fail("api", refused(500))
    scope.fail("api", refused(404))
    with pytest.raises(Unavailable, match="wait 7 s"):
        found(services, "r1")


def test_models_of_the_catalogue_are_known_whoever_publishes_them(services, hub):
    for name in (REPO, "bartowski/deepseek-ai_DeepSeek-R1-0528-Qwen3-8B-GGUF", "me/other-GGUF"):
        hub.add_repo(name, GGUF, downloads=len(name))
    known = {model.repo: model.catalog_id for model in found(services, "").models}
    assert known[REPO] == known["bartowski/deepseek-ai_DeepSeek-R1-0528-Qwen3-8B-GGUF"] == "r1-0528-qwen3-8b"
    assert known["me/other-GGUF"] is None


@pytest.mark.parametrize("text", ["r1-0528-qwen3-8b", f"https://huggingface.co/{REPO}", f"{REPO}:Q4_K_M"])
def test_a_model_of_the_catalogue_and_a_link_are_searched_by_name(services, hub, text):
    hub.add_repo(REPO, GGUF)
    assert [model.repo for model in found(services, text).models] == [REPO]


@pytest.mark.parametrize("text", ["x" * 101, "a\nb", "a\u202eb", "x" * 10_000])
def test_what_cannot_be_searched_is_refused(services, hub, text):
    with pytest.raises(InvalidInput) as error:
        found(services, text)
    assert error.value.code == "bad_search"
    assert hub.requests == []


def test_a_search_can_be_given_up(services, hub):
    hub.fail("api", HANG)
    stream = services.hubs.search("r1")
    hub.wait_paused()
    stream.cancel()
    assert list(stream) == []
    services.hubs.close()  # waits for what still runs


# ---- listing


def test_a_repository_is_asked_for_under_the_same_name_elsewhere(services, hub, scope):
    scope.add_repo(REPO, GGUF)
    answer = listed(services.hubs, REPO)
    assert (answer.repo, answer.source, answer.endpoint) == (REPO, scope.endpoint[7:], scope.address)
    assert [file.quant for file in answer.files] == ["Q4_K_M"]
    assert len(answer.missed) == 2
    hub.add_repo(REPO, GGUF)
    assert listed(services.hubs, "r1-0528-qwen3-8b").source == hub.endpoint[7:]
    assert listed(services.hubs, REPO, scope.address).source == scope.endpoint[7:]


def test_what_the_next_source_could_only_repeat_ends_the_search(services, hub, mirror):
    hub.add_repo(REPO, GGUF, gated=True)
    hub.add_repo("a/none", {"x.safetensors": b"x"})
    hub.add_repo("a/fork", {"x.gguf": b"x"}, tags=["ik_llama.cpp"])
    hub.fail("api", refused(403, "GatedRepo"), times=1)
    for repo, code in ((REPO, "gated"), ("a/none", "no_gguf"), ("a/fork", "foreign_fork")):
        with pytest.raises((DownloadError, NotFound, InvalidInput)) as error:
            listed(services.hubs, repo)
        assert error.value.code == code
    assert mirror.requests == []


def test_a_repository_that_nobody_has_is_not_there(services):
    with pytest.raises(NotFound) as error:
        listed(services.hubs, "a/b")
    assert error.value.code == "repository_not_found"


def test_a_pasted_link_is_listed_also_of_a_hub_in_this_machine_that_nobody_else_named(services, hub):
    with HubServer() as own:
        own.add_repo(REPO, GGUF)
        answer = listed(services.hubs, f"{own.endpoint}/{REPO}/resolve/main/R1-Q4_K_M.gguf")
        assert (answer.endpoint, answer.files[0].file) == (own.endpoint, "R1-Q4_K_M.gguf")
        assert hub.requests == []


def test_a_link_to_a_file_that_nobody_vouches_for_is_not_asked_for(services, hub):
    with pytest.raises(InvalidInput) as error:
        listed(services.hubs, f"{hub.endpoint}/files/x.gguf")
    assert error.value.code == "no_checksum"
    assert hub.requests == []


# ---- tokens


def test_each_host_hears_its_own_token_and_no_other(services, hub, mirror, scope):
    services.secrets.set(TOKEN + hub.endpoint[7:], "hf_of_the_hub")
    services.secrets.set(TOKEN + "huggingface.co", "hf_of_hugging_face")
    services.secrets.set(TOKEN + scope.endpoint[7:], "ms_of_scope")
    with pytest.raises(NotFound):
        listed(services.hubs, REPO)
    said = [{r.headers["Authorization"] for r in server.requests} for server in (hub, mirror, scope)]
    assert said == [{"Bearer hf_of_the_hub"}, {None}, {"Bearer ms_of_scope"}]
    assert services.hubs.source("https://huggingface.co").headers() == {"Authorization": "Bearer hf_of_hugging_face"}
    for other in ("https://hf-mirror.com", "https://modelscope.cn", "https://huggingface.co.evil.example"):
        assert services.hubs.source(other).headers() == {}


def test_a_token_that_is_not_accepted_is_said_with_the_answer(services, hub):
    services.secrets.set(TOKEN + hub.endpoint[7:], "bad_token")
    hub.add_repo(REPO, GGUF)
    assert "does not accept" in listed(services.hubs, REPO).notice.en
