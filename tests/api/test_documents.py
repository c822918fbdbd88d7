"""Programs send documents, ask how far they are, search them, ask about them with citations, and delete them."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from backends.api import limits
from backends.api.guard import GuardOptions
from backends.api.limits import Limits
from backends.documents.types import Scope
from backends.engine.protocol import GenerateRequest
from tests.kit import papers
from tests.kit.api_server import ApiServed, api_server
from tests.kit.chatting import CHAT, LONG, chunks, joined, strict, user
from tests.kit.folders import files
from tests.kit.guarded import Wire

DOCUMENTS = "/v1/documents"
LIGHTHOUSE = "The lighthouse of Cape Ferrow was built of grey granite in 1871. Its lamp burns rape oil."


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    model = papers.model(tmp_path_factory.mktemp("gguf") / "reader.gguf")
    with api_server(tmp_path_factory.mktemp("home"), [model], context=8192) as server:
        yield server


@pytest.fixture(scope="module")
def sent(served: ApiServed, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The two papers and a text, read and in the index."""
    chinese, english = papers.write(tmp_path_factory.mktemp("papers"))
    with client(served) as http:
        first = http.post(DOCUMENTS, files=[("file", (path.name, path.read_bytes())) for path in (chinese, english)])
        headers = {"Content-Type": "application/octet-stream"}
        query = {"filename": "lighthouse.txt", "collection": "Coast"}
        second = http.post(DOCUMENTS, params=query, content=LIGHTHOUSE.encode(), headers=headers)
    assert (first.status_code, second.status_code) == (202, 202)
    taken = first.json()["data"] + second.json()["data"]
    return ready(served, [one["id"] for one in taken])


@contextmanager
def client(served: ApiServed, key: str | None = None) -> Iterator[httpx.Client]:
    """No answer names a place on this disk (API-21)."""
    home = str(served.services.paths.data.parent)

    def look(response: httpx.Response) -> None:
        assert home not in response.read().decode()

    with served.client(key, LONG) as http:
        http.event_hooks["response"].append(look)
        yield http


def ready(served: ApiServed, ids: Sequence[int]) -> list[dict[str, Any]]:
    """What is told of them when they are read."""
    changes, told = served.services.changes(), list[dict[str, Any]]()
    with client(served) as http:
        for _ in chain([None], changes):
            told = [http.get(f"{DOCUMENTS}/{id}").json() for id in ids]
            if all(one["status"] not in ("waiting", "reading") for one in told):
                break
    changes.cancel()
    for _ in served.services.documents.settle():
        pass
    return told


def send(served: ApiServed, name: str, data: bytes = b"Some words.", **query: str) -> httpx.Response:
    with client(served) as http:
        headers = {"Content-Type": "application/octet-stream"}
        return http.post(DOCUMENTS, params={"filename": name, **query}, content=data, headers=headers)


def kept(served: ApiServed) -> set[str]:
    """Names of all files that were sent and are here."""
    return {path.name for path in files(served.services.paths.data / "uploads")}


# ---- sent, listed, found


def test_files_become_documents(served: ApiServed, sent: list[dict[str, Any]]) -> None:
    chinese, english, text = sent
    assert {one["status"] for one in sent} == {"ready"}
    assert [one["name"] for one in sent] == [papers.CHINESE, papers.ENGLISH, "lighthouse.txt"]
    assert [one["format"] for one in sent] == ["pdf", "docx", "text"]
    assert (chinese["pages"], english["title"], text["characters"]) == (3, papers.TITLE, len(LIGHTHOUSE))
    assert (chinese["collection"], text["collection"]) == ("Documents", "Coast")
    assert all(one["problem"] is None and one["bytes"] > 0 and one["object"] == "document" for one in sent)
    assert kept(served) >= {papers.CHINESE, papers.ENGLISH, "lighthouse.txt"}


def test_the_list_in_pages_by_collection_and_state(served: ApiServed, sent: list[dict[str, Any]]) -> None:
    with client(served) as http:
        coast = http.get(DOCUMENTS, params={"collection": " coast "}).json()
        assert ([one["id"] for one in coast["data"]], coast["total"]) == ([sent[2]["id"]], 1)
        whole = http.get(DOCUMENTS, params={"status": "ready", "limit": 200}).json()
        first = http.get(DOCUMENTS, params={"status": "ready", "limit": 1}).json()
        last = http.get(DOCUMENTS, params={"status": "ready", "limit": 1, "offset": whole["total"] - 1}).json()
        assert first["data"] + last["data"] == [whole["data"][0], whole["data"][-1]]
        assert (first["has_more"], last["has_more"], whole["has_more"]) == (True, False, False)
        assert [one["id"] for one in whole["data"]] == sorted((one["id"] for one in whole["data"]), reverse=True)
        missing = http.get(DOCUMENTS, params={"collection": "Nowhere"})
        assert (missing.status_code, missing.json()["error"]["code"]) == (404, "no_collection")
        for query in ({"limit": 0}, {"limit": 201}, {"offset": -1}, {"status": "lost"}, {"offset": 2**64}):
            wrong = http.get(DOCUMENTS, params=query)
            assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, next(iter(query)))


def test_passages_are_found(served: ApiServed, sent: list[dict[str, Any]]) -> None:
    with client(served) as http:
        found = http.post("/v1/search", json={"query": "Who built the boiler in the cellar?"}).json()
        best = found["data"][0]
        assert (best["document"], best["name"], best["page"]) == (sent[1]["id"], papers.ENGLISH, 2)
        assert papers.LIT_EN in best["text"]
        assert best["end"] - best["start"] == len(best["text"])
        assert best["ranks"][0]["method"] == "text"
        assert found["enough"] is True
        for narrowed in ({"collection": "Coast"}, {"documents": [sent[2]["id"]]}, {"formats": ["text"]}):
            hits = http.post("/v1/search", json={"query": "built", **narrowed}).json()
            assert {hit["document"] for hit in hits["data"]} == {sent[2]["id"]}, narrowed
            assert hits["searched"] == 1
        assert http.post("/v1/search", json={"query": "built", "until": "1999-01-01"}).json()["searched"] == 0
        assert http.post("/v1/search", json={"query": "built", "since": "1999-01-01"}).json()["searched"] >= 3


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"query": "x" * 4001}, 400),
        ({"query": "x", "limit": 51}, 400),
        ({"query": "x", "limit": 0}, 400),
        ({"query": "x", "documents": [2**60]}, 400),
        ({"query": "x", "documents": ["1"]}, 400),
        ({"query": "x", "documents": [999_999]}, 404),
        ({"query": "x", "collection": "Nowhere"}, 404),
        ({"query": "x", "since": "soon"}, 400),
        ({"query": "x", "since": 1e300}, 400),
        ({"query": ""}, 200),
        ({"query": "x", "since": "0001-01-01", "until": "9999-12-31"}, 200),
    ],
)
def test_searches_that_make_no_sense(served: ApiServed, body: dict[str, Any], status: int) -> None:
    with client(served) as http:
        assert http.post("/v1/search", json=body).status_code == status


def test_what_cannot_be_read_is_said(served: ApiServed) -> None:
    ids = [
        send(served, name, data).json()["data"][0]["id"]
        for name, data in (("empty.txt", b""), ("broken.pdf", b"%PDF-1.7 broken"), ("program.exe", b"MZ\0\0" * 99))
    ]
    empty, broken, program = ready(served, ids)
    assert (empty["status"], empty["problem"]["code"]) == ("empty", "empty")
    assert (broken["status"], program["status"]) == ("failed", "failed")
    assert all(one["problem"]["message"] for one in (empty, broken, program))


# ---- asked about


def test_an_answer_with_its_sources(served: ApiServed, sent: list[dict[str, Any]]) -> None:
    ids = [sent[0]["id"], sent[1]["id"]]
    asked: dict[str, Any] = {"messages": user(papers.ASKED_ZH), "temperature": 0}
    with client(served) as http:
        answer = http.post(CHAT, json={**asked, "documents": ids}).json()
    (choice,) = answer["choices"]
    assert choice["message"]["content"] == papers.SAID_ZH
    (cited,) = choice["message"]["citations"]
    assert set(cited) == {"n", "document", "name", "title", "page", "start", "end", "quote", "verified"}
    assert (cited["n"], cited["document"], cited["name"]) == (2, sent[0]["id"], papers.CHINESE)
    assert (cited["page"], cited["verified"]) == (2, True)
    assert papers.LIT_ZH in cited["quote"]
    assert [one["n"] for one in answer["sources"]] == [1, 2, 3, 4, 5]
    assert (answer["sources"][4]["document"], answer["sources"][4]["title"]) == (sent[1]["id"], papers.TITLE)
    source = answer["sources"][1]
    offset = cited["start"] - source["start"]
    assert source["text"][offset : offset + len(cited["quote"])] == cited["quote"]
    stream = chunks(served, **asked, documents=ids, n=2, stream_options={"include_usage": True})
    assert stream[0]["sources"] == answer["sources"]
    for index in (0, 1):
        said = joined(stream, index)
        assert (said["content"], said["reasons"]) == (papers.SAID_ZH, ["stop"])
        ends = [one for chunk in stream for one in chunk["choices"] if one["index"] == index and one["finish_reason"]]
        assert ends[0]["delta"]["citations"] == choice["message"]["citations"]


def test_what_the_engine_and_the_log_keep_of_it(
    served: ApiServed, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the engine has read is marked with its documents, so that it goes when they go; the log has none of it."""
    engine, asked = served.services.engine, list[GenerateRequest]()
    submit = engine.generate_choices

    def submits(request: GenerateRequest, n: int) -> Any:
        asked.append(request)
        return submit(request, n)

    monkeypatch.setattr(engine, "generate_choices", submits)
    served.services.settings.set("api.keep_texts", True)
    body = {"messages": user(papers.ASKED_ACROSS), "temperature": 0, "documents": [sent[0]["id"]]}
    with client(served) as http:
        assert http.post(CHAT, json=body).json()["choices"][0]["message"]["citations"]
    (entry,) = [one for one in served.logged() if papers.SAID_ACROSS in one.answered]
    served.services.settings.set("api.keep_texts", False)  # asked for when a request is written down
    (request,) = asked
    assert (request.labels, request.priority) == ({f"document:{sent[0]['id']}"}, "api")
    assert papers.LIT_ZH in "".join(turn.content for turn in request.turns)
    assert entry.asked == f"user: {papers.ASKED_ACROSS}"


def test_what_the_source_does_not_say_is_not_verified(served: ApiServed, sent: list[dict[str, Any]]) -> None:
    ids = [sent[0]["id"], sent[1]["id"]]
    with strict(served, valid=False) as openai:
        answer = openai.chat.completions.create(
            model="default",
            messages=[{"role": "user", "content": papers.ASKED_WRONG}],
            temperature=0,
            extra_body={"documents": ids},
        )
    message = answer.choices[0].message
    assert message.content == papers.SAID_WRONG
    assert message.model_extra is not None
    assert [one["verified"] for one in message.model_extra["citations"]] == [False]


def test_a_conversation_about_one_collection(served: ApiServed, sent: list[dict[str, Any]]) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What stands on the cape?"},
        {"role": "assistant", "content": "A lighthouse [1]."},
        {"role": "user", "content": "Of what is the lighthouse of Cape Ferrow made?"},
    ]
    with client(served) as http:
        answer = http.post(CHAT, json={"messages": messages, "temperature": 0, "collection": "Coast"}).json()
    assert [one["document"] for one in answer["sources"]] == [sent[2]["id"]]
    assert answer["choices"][0]["message"]["citations"] == []


def test_where_nothing_is_there_no_model_answers(served: ApiServed, sent: list[dict[str, Any]]) -> None:
    (made,) = served.services.documents.add_collection("Empty")
    asked: dict[str, Any] = {"messages": user("How deep is the well?"), "documents": True, "collection": made.name}
    with client(served) as http:
        answer = http.post(CHAT, json=asked).json()
        refused = http.post(CHAT, json={**asked, "response_format": {"type": "json_object"}})
    text = answer["choices"][0]["message"]["content"]
    assert "no documents here" in text
    assert (answer["sources"], answer["usage"]["total_tokens"]) == ([], 0)
    assert joined(chunks(served, **asked))["content"] == text
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "nothing_found")


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"documents": []}, 400),
        ({"documents": "all"}, 400),
        ({"documents": [0]}, 400),
        ({"documents": [1.5]}, 400),
        ({"documents": [999_999]}, 404),
        ({"documents": True, "collection": "Nowhere"}, 404),
        ({"documents": True, "messages": [{"role": "system", "content": "Be brief."}]}, 400),
    ],
)
def test_documents_that_cannot_be_asked(served: ApiServed, more: dict[str, Any], status: int) -> None:
    with client(served) as http:
        assert http.post(CHAT, json={"messages": user("When?"), **more}).status_code == status


# ---- who may


def test_who_may_do_what(served: ApiServed, sent: list[dict[str, Any]]) -> None:
    keys, headers = served.services.api.keys, {"Content-Type": "application/octet-stream"}
    readonly, talker = served.key_for("readonly"), keys.add("talker", "user", scopes=["chat"])[1]
    with client(served, "") as http:
        nobody = http.post(DOCUMENTS, params={"filename": "a.txt"}, content=b"x", headers=headers)
        assert (nobody.status_code, nobody.json()["error"]["code"]) == (401, "invalid_api_key")
    with client(served, readonly) as http:
        assert http.get(DOCUMENTS).status_code == 200
        assert http.post("/v1/search", json={"query": "boiler"}).status_code == 200
        assert http.post(DOCUMENTS, params={"filename": "a.txt"}, content=b"x", headers=headers).status_code == 403
        assert http.delete(f"{DOCUMENTS}/{sent[0]['id']}").status_code == 403
    with client(served, talker) as http:
        assert http.get(DOCUMENTS).status_code == 403
        told = http.post(CHAT, json={"messages": user("When was the boiler built?"), "documents": True})
        assert (told.status_code, told.json()["error"]["code"]) == (403, "forbidden")


def test_documents_of_a_conversation_are_nobodys(served: ApiServed, tmp_path: Path) -> None:
    services = served.services
    secret = tmp_path / "diary.txt"
    secret.write_text("The diary says that the treasure lies below the old mill.")
    conversation = services.chats.create().id
    for _ in services.grounding.give(conversation, [secret]):
        pass
    for _ in services.documents.settle():
        pass
    collection = services.documents.store.conversation_collection(conversation)
    (given,) = services.documents.store.documents(Scope(collections=(collection.id,)))
    with client(served) as http:
        assert http.get(f"{DOCUMENTS}/{given.id}").status_code == 404
        assert http.delete(f"{DOCUMENTS}/{given.id}").status_code == 404
        assert given.id not in [one["id"] for one in http.get(DOCUMENTS, params={"limit": 200}).json()["data"]]
        assert http.post("/v1/search", json={"query": "treasure mill", "documents": [given.id]}).status_code == 404
        assert http.post(CHAT, json={"messages": user("Where?"), "documents": [given.id]}).status_code == 404
        assert http.get(DOCUMENTS, params={"collection": ""}).status_code == 400
        hits = http.post("/v1/search", json={"query": "treasure below the old mill"}).json()["data"]
    assert given.id not in [hit["document"] for hit in hits]
    assert services.documents.store.document(given.id).hidden is None


# ---- deleted


def test_what_is_deleted_is_gone(served: ApiServed) -> None:
    (told,) = ready(served, [send(served, "zeppelin.txt", b"The zeppelin landed in Wexcombe.").json()["data"][0]["id"]])
    assert "zeppelin.txt" in kept(served)
    with client(served) as http:
        assert http.post("/v1/search", json={"query": "zeppelin"}).json()["data"]
        place = f"{DOCUMENTS}/{told['id']}"
        assert http.delete(place).json() == {"id": told["id"], "object": "document", "deleted": True}
        assert (http.get(place).status_code, http.delete(place).status_code) == (404, 404)
        assert http.post("/v1/search", json={"query": "zeppelin"}).json()["data"] == []
    for _ in served.services.documents.erase(()):  # after what was asked for before
        pass
    assert "zeppelin.txt" not in kept(served)


def test_what_waits_can_be_deleted(served: ApiServed) -> None:
    documents = served.services.documents
    documents.pause()
    try:
        (told,) = send(served, "waits.txt").json()["data"]
        assert told["status"] == "waiting"
        with client(served) as http:
            assert http.delete(f"{DOCUMENTS}/{told['id']}").status_code == 200
    finally:
        documents.go_on()
    (after,) = send(served, "after.txt").json()["data"]
    ready(served, [after["id"]])
    for _ in documents.erase(()):
        pass
    assert "waits.txt" not in kept(served)
    with client(served) as http:
        assert http.get(f"{DOCUMENTS}/{told['id']}").status_code == 404


def test_what_the_person_cancels_is_no_document(served: ApiServed) -> None:
    documents = served.services.documents
    documents.pause()
    (told,) = send(served, "cancelled.txt").json()["data"]
    documents.cancel()
    (after,) = send(served, "after that.txt").json()["data"]
    ready(served, [after["id"]])
    with client(served) as http:
        served.until(lambda: http.get(f"{DOCUMENTS}/{told['id']}").status_code == 404)


def test_a_file_of_the_person_stays_where_it_is(served: ApiServed, tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("This file is mine, wherever its document goes.")
    for _ in served.services.documents.add([mine]):
        pass
    with client(served) as http:
        (found,) = [one for one in http.get(DOCUMENTS).json()["data"] if one["name"] == mine.name]
        assert http.delete(f"{DOCUMENTS}/{found['id']}").status_code == 200
    for _ in served.services.documents.erase(()):
        pass
    assert mine.exists()


# ---- names


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("../../escape.txt", "escape.txt"),
        ("C:\\Users\\me\\plan.txt", "plan.txt"),
        ("\\\\host\\share\\net.txt", "net.txt"),
        ("/etc/passwd", "passwd"),
        ("报告 2024.txt", "报告 2024.txt"),
        ("nul\0byte.txt", None),
        ("line\nbreak.txt", None),
        ("x" * 300 + ".txt", None),
        ("CON.txt", None),
        ("C:stream.txt", None),
        ("dots..", None),
        ("..", None),
        ("folder/", None),
        ("\u202etxt.exe", None),
    ],
)
def test_a_name_is_only_a_name(served: ApiServed, name: str, becomes: str | None) -> None:
    before = {path.name for path in files(served.services.paths.data) if "uploads" not in path.parts}
    told = send(served, name)
    if becomes is None:
        assert (told.status_code, told.json()["error"]["type"]) == (400, "invalid_request_error")
    else:
        assert (told.status_code, told.json()["data"][0]["name"]) == (202, becomes)
    after = {path.name for path in files(served.services.paths.data) if "uploads" not in path.parts}
    assert not {"escape.txt", "plan.txt", "passwd"} & (after - before)


def test_the_name_in_a_header(served: ApiServed) -> None:
    names = {
        'attachment; filename="plain.txt"': "plain.txt",
        "attachment; filename*=UTF-8''%E6%8A%A5%E5%91%8A.txt": "报告.txt",
        'attachment; filename="../up.txt"': "up.txt",
    }
    nameless = ("", "attachment", 'attachment; filename=""', f"attachment; filename*{'9' * 5000}=x", "attachment; \xff")
    with client(served) as http:
        for header, name in names.items():
            headers = {"Content-Type": "application/octet-stream", "Content-Disposition": header}
            assert http.post(DOCUMENTS, content=b"x", headers=headers).json()["data"][0]["name"] == name
        for header in nameless:
            sent = {"Content-Type": "application/octet-stream", "Content-Disposition": header.encode("latin-1")}
            assert http.post(DOCUMENTS, content=b"x", headers=sent).status_code == 400, header


# ---- what is refused, and leaves nothing


def form(*parts: bytes, end: bytes = b"--b--\r\n") -> bytes:
    return b"".join(b"--b\r\n" + part for part in parts) + end


FILE = b'Content-Disposition: form-data; name="file"; filename="%s"\r\n\r\nwords of this file\r\n'
FIELD = b'Content-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (form(FIELD % (b"collection", b"A")), None),
        (form(FILE % b"cut.txt", end=b""), "bad_form"),
        (b"no form at all", "bad_form"),
        (b"", "bad_form"),
        (form(FILE % b"ok.txt", FILE % b"CON"), "bad_name"),
        (form(FILE % b"\xff\xfe.txt"), "bad_form"),
        (form(FILE % b"ok.txt", FIELD % (b"collection", b"x" * 5000)), None),
        (form(FILE % b"ok.txt", FIELD % (b"collection", b"x" * 300)), None),
        (form(*[FILE % b"many.txt"] * 65), None),
        (form(*[FIELD % (b"a", b"b")] * 129), "bad_form"),
        (form(FILE.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n") % b"ok.txt"), "bad_form"),
    ],
    ids=["none", "cut", "text", "empty", "name", "bytes", "field", "collection", "files", "parts", "encoded"],
)
def test_forms_that_are_refused(served: ApiServed, body: bytes, code: str | None) -> None:
    before = kept(served)
    with client(served) as http:
        told = http.post(DOCUMENTS, content=body, headers=MULTIPART)
    assert (told.status_code, told.json()["error"]["code"]) == (400, code)
    assert kept(served) == before


@pytest.mark.parametrize("parameters", ["", "; boundary=", "; boundary=" + "b" * 300, "; boundary=other"])
def test_a_form_without_its_boundary(served: ApiServed, parameters: str) -> None:
    before = kept(served)
    with client(served) as http:
        headers = {"Content-Type": f"multipart/form-data{parameters}"}
        told = http.post(DOCUMENTS, content=form(FILE % b"lost.txt"), headers=headers)
    assert (told.status_code, told.json()["error"]["code"]) == (400, "bad_form")
    assert kept(served) == before


def test_a_form_in_pieces(served: ApiServed) -> None:
    body = form(FIELD % (b"collection", b"Pieces"), FILE % b"one.txt", FILE % b"two.txt")
    with client(served) as http:
        told = http.post(DOCUMENTS, content=(body[at : at + 7] for at in range(0, len(body), 7)), headers=MULTIPART)
    assert told.status_code == 202, told.text
    first, second = ready(served, [one["id"] for one in told.json()["data"]])
    assert (first["name"], second["name"], first["collection"]) == ("one.txt", "two.txt", "Pieces")
    assert first["characters"] == second["characters"] == len("words of this file")


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "application/x-www-form-urlencoded", ""])
def test_other_types_are_refused(served: ApiServed, kind: str) -> None:
    with client(served) as http:
        told = http.post(DOCUMENTS, params={"filename": "a.txt"}, content=b"x", headers={"Content-Type": kind})
    assert told.status_code == 415


def test_what_is_too_large(served: ApiServed, small: None) -> None:
    before = kept(served)
    with client(served) as http:
        headers = {"Content-Type": "application/octet-stream"}
        fits = http.post(DOCUMENTS, params={"filename": "fits.txt"}, content=b"x" * 3_000_000, headers=headers)
        assert fits.status_code == 202
        pieces = (b"x" * 100_000 for _ in range(31))
        told = http.post(DOCUMENTS, params={"filename": "large.txt"}, content=pieces, headers=headers)
        assert (told.status_code, told.json()["error"]["code"]) == (413, "body_too_large")
    assert kept(served) - before == {"fits.txt"}


@pytest.fixture
def small(served: ApiServed) -> Iterator[None]:
    """Uploads of 3 MB at most."""
    assert limits.UPLOAD_BYTES > limits.BODY_BYTES
    server = served.services.api._server
    assert server is not None
    options: GuardOptions = server.guard.options
    server.guard.options = replace(options, limits=Limits(upload_bytes=3_000_000))
    yield
    server.guard.options = options


def test_who_goes_away_leaves_nothing(served: ApiServed, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = served.services.documents.uploads
    begin, drop = uploads.begin, uploads.drop
    begun, dropped, there = threading.Event(), threading.Event(), list[bool]()

    def begins(name: str) -> Path:
        path = begin(name)
        begun.set()
        return path

    def drops(path: Path) -> None:
        there.append(path.parent.is_dir())
        drop(path)
        dropped.set()

    monkeypatch.setattr(uploads, "begin", begins)
    monkeypatch.setattr(uploads, "drop", drops)
    port = int(served.url.rpartition(":")[2])
    before = kept(served)
    with Wire(port) as wire:
        auth = f"Authorization: Bearer {served.key}"
        wire.ask("POST /v1/documents", auth, *(": ".join(one) for one in MULTIPART.items()), "Content-Length: 9000000")
        wire.send(form(FILE % b"half.txt", end=b"")[:-10] + b"x" * 2_000_000)
        assert begun.wait(LONG)
    assert dropped.wait(LONG)
    assert there == [True]
    assert kept(served) == before


def test_a_full_disk(served: ApiServed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is written to /dev/full: what the system says is real."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    opened: Callable[..., IO[Any]] = Path.open

    def full(path: Path, mode: str = "r", *rest: Any, **more: Any) -> IO[Any]:
        return opened(Path("/dev/full"), "wb", *rest, **more) if mode == "xb" else opened(path, mode, *rest, **more)

    monkeypatch.setattr(Path, "open", full)
    told = send(served, "full.txt", b"x" * 3_000_000)
    assert (told.status_code, told.json()["error"]["code"]) == (507, "disk_full")
    monkeypatch.undo()
    assert not [one for one in (served.services.paths.data / "uploads").iterdir() if not any(one.iterdir())]
    assert send(served, "room again.txt").status_code == 202


def test_a_start_removes_what_a_kill_has_left(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with api_server(home, load=False) as first:
        (told,) = send(first, "stays.txt").json()["data"]
        ready(first, [told["id"]])
        left = first.services.documents.uploads.begin("half.txt")
        left.write_bytes(b"half of it")
        assert kept(first) == {"stays.txt", "half.txt"}
    with api_server(home, load=False) as again:
        for _ in again.services.documents.delete(()):  # on the thread that looks after it
            pass
        assert kept(again) == {"stays.txt"}
        with client(again) as http:
            assert http.get(f"{DOCUMENTS}/{told['id']}").json()["status"] == "ready"


def test_what_a_kill_cut_short_is_read_after_all(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with api_server(home, load=False) as first:
        first.services.documents.pause()
        (told,) = send(first, "later.txt", LIGHTHOUSE.encode()).json()["data"]
    with api_server(home, load=False) as again:
        (one,) = ready(again, [told["id"]])
        assert (one["status"], one["name"]) == ("ready", "later.txt")
