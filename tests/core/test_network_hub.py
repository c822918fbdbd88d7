"""huggingface_hub through the same door."""

import gzip
import json
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor

import huggingface_hub
import pytest
import trustme

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, DownloadError
from backends.core.network import Network, NetworkOptions
from tests.kit.sites import Proxy, Site, Visitor, serving

LONG = 120.0  # seconds that nobody waits, unless something is wrong
HERE = "127.0.0.1"
MODEL = {"id": "deepseek-ai/tiny", "siblings": [{"rfilename": "tiny-Q4_K_M.gguf"}], "tags": []}


def api(site: Site) -> huggingface_hub.HfApi:
    return huggingface_hub.HfApi(endpoint=site.url(""), token="hf_key")


@pytest.fixture
def hub(site: Site) -> Site:
    site.pages["/api/models/deepseek-ai/tiny"] = lambda visitor: visitor.answer(200, json.dumps(MODEL).encode())
    return site


def test_listing_a_repository_leaves_a_record(network: Network, hub: Site) -> None:
    with network.hub_session("files of a model", private_host=HERE):
        found = api(hub).model_info("deepseek-ai/tiny")
    assert [sibling.rfilename for sibling in found.siblings or []] == ["tiny-Q4_K_M.gguf"]
    records = [(one.purpose, one.host, one.outcome) for one in network.connections()]
    assert records == [("files of a model", f"{HERE}:{hub.port}", "200")]
    assert hub.asked[0].headers["authorization"] == "Bearer hf_key"


def test_the_key_does_not_follow_a_redirect(network: Network, hub: Site, other_site: Site) -> None:
    path = "/api/models/deepseek-ai/tiny"
    other_site.pages[path] = hub.pages[path]
    hub.pages[path] = lambda visitor: visitor.redirect(other_site.url(path), 307)
    with network.hub_session("t", private_host=HERE):
        api(hub).model_info("deepseek-ai/tiny")
    assert "authorization" in hub.asked[0].headers
    assert "authorization" not in other_site.asked[0].headers
    assert [one.outcome for one in network.connections()] == ["307", "200"]


def test_the_rules_hold(network: Network, hub: Site, other_site: Site) -> None:
    with network.hub_session("t"), pytest.raises(DownloadError) as failure:
        api(hub).model_info("deepseek-ai/tiny")
    assert failure.value.code == "private_address"
    hub.pages["/api/models/deepseek-ai/tiny"] = lambda visitor: visitor.redirect(other_site.url("/"))
    with network.hub_session("t", private_host=f"{HERE}:{hub.port}"), pytest.raises(DownloadError) as failure:
        api(hub).model_info("deepseek-ai/tiny")
    assert failure.value.code == "redirect_refused"
    assert other_site.asked == []


def test_encryption_is_never_given_up(secure_site: Site, hub: Site, ca_file) -> None:
    network = Network(NetworkOptions(ca_file=str(ca_file)))
    secure_site.pages["/api/models/deepseek-ai/tiny"] = lambda visitor: visitor.redirect(hub.url("/x"))
    with network.hub_session("t", private_host=HERE), pytest.raises(DownloadError) as failure:
        api(secure_site).model_info("deepseek-ai/tiny")
    assert failure.value.code == "redirect_refused"
    assert hub.asked == []


def test_a_circle_of_redirects_ends(network: Network, hub: Site) -> None:
    hub.pages["/api/models/deepseek-ai/tiny"] = lambda visitor: visitor.redirect(visitor.path)
    with pytest.raises(DownloadError) as failure, network.hub_session("t", private_host=HERE):
        api(hub).model_info("deepseek-ai/tiny")
    assert failure.value.code == "redirect_refused"


def test_a_hub_that_hangs_is_cancelled(network: Network, hub: Site) -> None:
    cancel = CancelToken()

    def hang(visitor: Visitor) -> None:
        cancel.cancel()
        visitor.site.closing.wait()

    hub.pages["/api/models/deepseek-ai/tiny"] = hang
    with network.hub_session("t", private_host=HERE, cancel=cancel, timeout=60), pytest.raises(Cancelled):
        api(hub).model_info("deepseek-ai/tiny")


def test_a_hub_that_hangs_is_given_up_in_time_without_retries(network: Network, hub: Site) -> None:
    def hang(visitor: Visitor) -> None:
        visitor.site.closing.wait()

    hub.pages["/api/models/deepseek-ai/tiny"] = hang
    with network.hub_session("t", private_host=HERE, timeout=0.2), pytest.raises(DownloadError) as failure:
        api(hub).model_info("deepseek-ai/tiny")
    assert failure.value.code == "timeout"
    assert len(hub.asked) == 1


def test_outside_of_a_session_nothing_leaves(network: Network, hub: Site) -> None:
    with network.hub_session("t", private_host=HERE):
        pass
    with pytest.raises(RuntimeError, match="hub_session"):
        api(hub).model_info("deepseek-ai/tiny")
    assert hub.asked == []


def test_sessions_on_many_threads_keep_their_purposes_apart(network: Network, hub: Site) -> None:
    together = threading.Barrier(4)

    def list_it(number: int) -> None:
        with network.hub_session(f"purpose {number}", private_host=HERE):
            together.wait(LONG)
            api(hub).model_info("deepseek-ai/tiny")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(list_it, range(4)))
    assert sorted(one.purpose for one in network.connections()) == [f"purpose {number}" for number in range(4)]


def test_a_session_that_begins_does_not_end_another(network: Network, hub: Site) -> None:
    path = "/api/models/deepseek-ai/tiny"
    page = hub.pages[path]

    def begin_another(visitor: Visitor) -> None:
        with network.hub_session("other", private_host=HERE):
            pass
        page(visitor)

    hub.pages[path] = begin_another
    with network.hub_session("t", private_host=HERE):
        for _ in range(2):
            assert api(hub).model_info("deepseek-ai/tiny").id == "deepseek-ai/tiny"


def test_no_answer_is_read_without_end(network: Network, hub: Site) -> None:
    def endless(visitor: Visitor) -> None:
        visitor.send_response(200)
        visitor.end_headers()
        visitor.close_connection = True
        for _ in range(400):  # 100 MB, far more than is read
            visitor.wfile.write(b" " * (256 << 10))

    hub.pages["/api/models/deepseek-ai/tiny"] = endless
    with network.hub_session("t", private_host=HERE), pytest.raises(DownloadError) as failure:
        api(hub).model_info("deepseek-ai/tiny")
    assert failure.value.code == "too_much"
    assert network.connections()[-1].outcome == "too_much"


def test_answers_that_unpack_to_more_are_not_unpacked(network: Network, hub: Site) -> None:
    packed = gzip.compress(json.dumps(MODEL).encode())
    hub.pages["/api/models/deepseek-ai/tiny"] = lambda visitor: visitor.answer(200, packed, Content_Encoding="gzip")
    with network.hub_session("t", private_host=HERE), pytest.raises(DownloadError) as failure:
        api(hub).model_info("deepseek-ai/tiny")
    assert failure.value.code == "too_much"
    assert hub.asked[0].headers["accept-encoding"] == "identity"


def test_a_list_of_endless_pages_ends(network: Network, hub: Site) -> None:
    following = f'<{hub.url("/api/models")}>; rel="next"'
    hub.pages["/api/models"] = lambda visitor: visitor.answer(200, b"[]", Link=following)
    with network.hub_session("t", private_host=HERE), pytest.raises(DownloadError) as failure:
        list(api(hub).list_models(limit=50))
    assert failure.value.code == "too_much"
    assert len(hub.asked) < 200


def test_the_key_of_a_mirror_does_not_go_to_hugging_face(
    hub: Site, proxy: Proxy, authority: trustme.CA, ca_file
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("huggingface.co").configure_cert(context)
    path = "/deepseek-ai/tiny/resolve/main/tiny-Q4_K_M.gguf"
    headers = {"ETag": "x", "X_Repo_Commit": "0" * 40}
    with serving(Site(), context) as hugging_face:
        proxy.target = hugging_face.port
        hugging_face.pages[path] = lambda visitor: visitor.answer(200, b"bytes", **headers)
        hub.pages[path] = lambda visitor: visitor.redirect(f"https://huggingface.co{path}", 307)
        network = Network(NetworkOptions(proxy=proxy.address, ca_file=str(ca_file)))
        with network.hub_session("t", private_host=HERE, secret_host=f"{HERE}:{hub.port}"):
            huggingface_hub.get_hf_file_metadata(hub.url(path), token="key_of_the_mirror", endpoint=hub.url(""))
        assert hub.asked[0].headers["authorization"] == "Bearer key_of_the_mirror"
        assert [one.path for one in hugging_face.asked] == [path]
        assert "authorization" not in hugging_face.asked[0].headers
