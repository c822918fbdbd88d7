"""What was exported comes in again as it was; what is broken, too large or too new changes nothing."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.chat.export import imported
from backends.chat.export.imported import import_chats
from backends.chat.export.pulled import Pulled
from backends.chat.export.reading import Reader
from backends.chat.export.task import FORMATS, export
from backends.chat.export.types import ImportFinished, ImportProgress, Manner, Selection
from backends.chat.options import Options
from backends.chat.sourced import ConversationScope
from backends.chat.store import MIGRATIONS, ChatStore
from backends.chat.types import Citation, Problem, Source
from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, Cancelled
from backends.core.phrase import Phrase
from backends.engine.protocol import Timings, Usage
from backends.governance.labels import Unlabelled
from backends.storage.database import Database


class Home:
    """A data folder: it exports, and it imports."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.database = Database(folder / "chats.db", MIGRATIONS)
        self.store = ChatStore(self.database)
        self.reader = Reader(self.database, self.store)

    def close(self) -> None:
        self.database.close()

    def exported(self, *ids: int) -> dict[str, Any]:
        """Of these conversations, or of all."""
        path = self.folder / "export.json"
        selection = Selection("conversation", ids) if ids else Selection("all")
        log = Unlabelled(self.folder / "log")
        task = export(
            *(self.reader, log, selection, path, "json", FORMATS["json"], Manner()),
            overwrite=True,
            cancel=CancelToken(),
        )
        for _ in task:
            pass
        return json.loads(path.read_text(encoding="utf-8"))

    def takes(self, said: object, cancel: CancelToken | None = None) -> ImportFinished:
        path = self.folder / "import.json"
        text = said if isinstance(said, bytes) else (said if isinstance(said, str) else json.dumps(said)).encode()
        path.write_bytes(text)
        *events, last = import_chats(
            self.database, self.store, path, self.reader.origin, "Imported", cancel=cancel or CancelToken()
        )
        assert all(isinstance(event, ImportProgress) for event in events)
        assert isinstance(last, ImportFinished)
        return last

    def is_told(self, said: object) -> BackendError:
        """Why it cannot be imported; and that nothing came of it."""
        before = self.rows()
        with pytest.raises(BackendError) as refused:
            self.takes(said)
        assert self.rows() == before
        assert refused.value.message.zh
        return refused.value

    def rows(self) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database.path)) as file:
            tables = ("conversations", "messages", "message_sources", "message_citations", "folders")
            return [row for table in tables for row in file.execute(f"SELECT * FROM {table}")]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with closing(Home(tmp_path / "home")) as home:
        yield home


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Home]:
    with closing(Home(tmp_path / "other")) as home:
        yield home


def told(home: Home) -> int:
    """A conversation that has something of everything."""
    store = home.store
    made = store.create("Sets or lists")
    question = store.add_message(made.id, "user", "Which? \U0001f600\0")
    for text in ("Sets.", "Lists, as [1] says."):
        answer = store.add_message(made.id, "assistant", "", parent=question.id, model="r1", status="streaming")
        store.finish(
            *(answer.id, "failed"),
            reasoning="Hm.",
            content=text,
            problem=Problem("lost", Phrase("Lost.", "丢失。"), Phrase("Again?", "重试？")),
            finish_reason="stop",
            usage=Usage(10, 5, 2, 3),
            timings=Timings(100.5, 9.1, 0.25, 3.0),
            device="CPU",
            reasoning_s=1.5,
        )
    store.sourced.save_sources(
        answer.id, [Source(1, 5, "Report", "r.pdf", 2, "Ch. 1", 4, 9, "text", "/r.pdf", ((0, 2), (3, 3)))]
    )
    store.sourced.save_citations(answer.id, [Citation(1, 5, 2, 4, 9, "text", 0, 5, None)])
    store.select(question.id)
    store.organised.set_options(made.id, Options(temperature=0.3, instructions="Be short."))
    store.sourced.set_scope(made.id, ConversationScope("documents", (5,)))
    store.organised.move([made.id], store.organised.create_folder("Work").id)
    store.organised.pin([made.id], True)
    return made.id


def alike(export: dict[str, Any]) -> list[dict[str, Any]]:
    """Without what an import changes: ids (counted anew in their order), the folder."""
    found = []
    for conversation in export["conversations"]:
        numbers = {one["id"]: n for n, one in enumerate(conversation["messages"])}
        messages = [
            one | {"id": numbers[one["id"]], "parent": numbers.get(one["parent"])} for one in conversation["messages"]
        ]
        shown = numbers.get(conversation["shown"])
        found.append(conversation | {"id": 0, "folder": "", "shown": shown, "messages": messages})
    return found


def test_it_comes_back_as_it_was_beside_what_there_is(home: Home) -> None:
    original = told(home)
    before = home.exported()
    done = home.takes(before)
    assert done.messages == 3
    (copy,) = done.conversation_ids
    assert copy != original
    assert alike(home.exported(copy)) == alike(before) == alike(home.exported(original))
    folders = {one.id: one.name for one in home.store.organised.folders()}
    assert folders[home.store.conversation(copy).folder_id or 0] == "Imported"
    home.takes(before)
    assert [one.name for one in home.store.organised.folders()] == ["Work", "Imported"]
    assert len(home.store.conversations()) == 3


def test_in_another_data_folder_no_document_is_mistaken_for_another(home: Home, other: Home) -> None:
    told(home)
    (copy,) = other.takes(home.exported()).conversation_ids
    answer = other.store.messages(copy)[-1]
    assert [one.document_id for one in other.store.sourced.sources(answer.id)] == [-5]
    assert [one.document_id for one in other.store.sourced.citations(answer.id)] == [-5]
    assert other.store.sourced.scope(copy).kind == "off"
    assert other.store.organised.options(copy).instructions == "Be short."
    again = other.exported()
    (second,) = other.takes(again).conversation_ids
    assert alike(other.exported(second)) == alike(again)


_words = st.text(st.characters(codec="utf-8"), max_size=20)
_tree = st.lists(st.tuples(st.booleans(), st.integers(0, 50), _words, _words), min_size=1, max_size=12)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_tree, _words, st.floats(0, 2), st.sampled_from(["question", "person", "model"]))
def test_any_tree_goes_there_and_back(home: Home, tree: Any, title: str, warmth: float, by: str) -> None:
    messages: list[dict[str, Any]] = []
    for asks, below, content, thought in tree:
        parents = [0] if asks else []
        parents += [one["id"] for one in messages if asks or one["role"] == "user"]
        if not parents:
            asks, parents = True, [0]
        role = "user" if asks else "assistant"
        messages.append(
            {
                "id": len(messages) + 1,
                "parent": parents[below % len(parents)] or None,
                "role": role,
                "content": content,
                "reasoning": "" if asks else thought,
                "model": "" if asks else "m",
                "created": warmth * 1e9,
            }
        )
    conversation = {"title": title, "titled_by": by, "options": {"temperature": warmth}, "messages": messages}
    first = home.takes({"format": "deskseek-chats", "version": 1, "conversations": [conversation]})
    written = home.exported(*first.conversation_ids)
    assert [(one["content"], one["reasoning"]) for one in written["conversations"][0]["messages"]] == [
        (one["content"], one["reasoning"]) for one in messages
    ]
    second = home.takes(written)
    assert alike(home.exported(*second.conversation_ids)) == alike(written)


def file(*messages: dict[str, Any], **changed: Any) -> dict[str, Any]:
    conversation = {"title": "T", "messages": list(messages)}
    return {"format": "deskseek-chats", "version": 1, "conversations": [conversation], **changed}


ASKED: dict[str, Any] = {"id": 1, "parent": None, "role": "user", "content": "Q"}
ANSWERED: dict[str, Any] = {"id": 2, "parent": 1, "role": "assistant", "content": "A"}


BROKEN: dict[str, Any] = {
    "empty": "",
    "an array": [],
    "a number": "1",
    "another program's": {"format": "chatgpt", "version": 1, "conversations": []},
    "no format": {"version": 1, "conversations": [{"messages": [ASKED]}]},
    "version zero": file(ASKED, version=0),
    "version true": file(ASKED, version=True),
    "no version": {"format": "deskseek-chats", "conversations": [{"messages": [ASKED]}]},
    "nothing in it": file(conversations=[]),
    "conversations are no list": file(conversations={"a": 1}),
    "a conversation is no object": file(conversations=[1]),
    "messages are no list": file(conversations=[{"messages": {}}]),
    "a message is no object": file("hello"),  # type: ignore[arg-type]
    "no role": file({"id": 1, "content": "Q"}),
    "another role": file(ASKED | {"role": "system"}),
    "the same id twice": file(ASKED, ASKED),
    "its own parent": file(ASKED | {"parent": 1}),
    "parents in a circle": file(ASKED | {"parent": 2}, ANSWERED),
    "no such parent": file(ASKED | {"parent": 77}),
    "an answer to nothing": file(ANSWERED | {"parent": None}),
    "an answer to an answer": file(ASKED, ANSWERED, ANSWERED | {"id": 3, "parent": 2}),
    "a content that is a number": file(ASKED | {"content": 1}),
    "an id that is a text": file(ASKED | {"id": "1"}),
    "an id that is huge": file(ASKED | {"id": 10**30}),
    "a time beyond time": file(ASKED | {"created": 1e300}),
    "an infinite time": json.dumps(file(ASKED)).replace('"Q"', '"Q", "created": 1e999'),
    "not a number": json.dumps(file(ASKED)).replace('"Q"', '"Q", "created": NaN'),
    "a status of its own": file(ASKED | {"status": "deleted"}),
    "a usage that is a text": file(ASKED, ANSWERED | {"usage": "much"}),
    "a problem that is a text": file(ASKED, ANSWERED | {"problem": "!"}),
    "sources twice": file(ASKED, ANSWERED | {"sources": [{"n": 1}, {"n": 1}]}),
    "pages that are none": file(ASKED, ANSWERED | {"sources": [{"n": 1, "pages": [[1]]}]}),
    "a citation beyond the text": file(ASKED, ANSWERED | {"citations": [{"sentence_end": 2}]}),
    "a scope of its own": file(conversations=[{"scope": {"kind": "disk"}, "messages": [ASKED]}]),
    "options that are a list": file(conversations=[{"options": [1], "messages": [ASKED]}]),
    "something behind it": json.dumps(file(ASKED)) + "{}",
    "no UTF-8": json.dumps(file(ASKED)).encode().replace(b"Q", b"\xff"),
    "UTF-16": json.dumps(file(ASKED)).encode("utf-16"),
    "nested without end": '{"a": ' + "[" * 100_000,
    "nested in a message": json.dumps(file(ASKED)).replace('"Q"', "[" * 100_000),
    "a number without end": json.dumps(file(ASKED)).replace('"Q"', "9" * 100_000),
    "zeros": b"\0" * 1000,
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_changes_nothing(home: Home, name: str) -> None:
    told(home)
    assert home.is_told(BROKEN[name]).code == "broken_file"


def test_the_reason_is_said(home: Home) -> None:
    broken = home.is_told(file(ASKED, ANSWERED | {"created": "today"}))
    assert str(broken) == (
        "This file cannot be imported: message 2 of conversation 1 has a created that makes no sense. "
        "Nothing was changed."
    )
    assert "第 1 个对话的第 2 条消息" in broken.message.zh
    newer = home.is_told(file(ASKED, version=2))
    assert (newer.code, str(newer)) == (
        "file_too_new",
        "This file was made by a newer DeskSeek (form 2). Install the newest DeskSeek. Nothing was changed.",
    )


def test_a_file_that_was_cut_anywhere_changes_nothing(home: Home) -> None:
    told(home)
    whole = json.dumps(home.exported(), ensure_ascii=False).encode()
    for length in range(0, len(whole) - 1, 101):
        assert home.is_told(whole[:length]).code == "broken_file"


def test_keys_in_another_order_and_on_lines_of_their_own_are_the_same(home: Home) -> None:
    original = told(home)
    said = home.exported()
    for text in (json.dumps(said, sort_keys=True, indent=1), "\ufeff" + json.dumps(said)):
        (copy,) = home.takes(text).conversation_ids
        made = alike(home.exported(copy))
        made[0]["messages"] = [one | {"sources": [], "citations": []} for one in made[0]["messages"]]
        expected = alike(home.exported(original))
        expected[0]["messages"] = [one | {"sources": [], "citations": []} for one in expected[0]["messages"]]
        made[0]["scope"] = expected[0]["scope"]  # from where it is stands behind the conversations now
        assert made == expected


def test_what_an_older_or_other_program_left_out_has_its_usual_value(home: Home) -> None:
    (copy,) = home.takes(file(ASKED, ANSWERED | {"unknown": [1, {"x": 2}]}, future={"a": [1]})).conversation_ids
    question, answer = home.store.messages(copy)
    assert (question.content, answer.content, answer.status, answer.usage) == ("Q", "A", "done", None)
    assert home.store.conversation(copy).title == "T"


def test_too_many_variants_of_one_place(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imported, "MOST_VARIANTS", 50)
    many = [ANSWERED | {"id": n} for n in range(2, 52)]
    assert home.takes(file(ASKED, *many)).messages == 51
    assert home.is_told(file(ASKED, *many, ANSWERED | {"id": 99})).code == "broken_file"


def test_a_value_that_is_too_long_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.json"
    path.write_bytes(b'{"a": "' + b"x" * 1_000_000)
    with path.open("rb") as opened:
        pulled = Pulled(opened, 1_000_007, longest=100_000)
        for _ in pulled.entries():
            with pytest.raises(BackendError):
                pulled.value()
            break
        assert opened.tell() < 300_000


@pytest.mark.parametrize("longest", [1, 3, 64])
def test_pieces_may_end_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, longest: int) -> None:
    monkeypatch.setattr("backends.chat.export.pulled._CHUNK", longest)
    said = {"n": 1234567, "t": 'é"\\中\U0001f600', "l": [1.5, -2e3, True, None, {"a": []}], "e": {}}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(said, ensure_ascii=False, indent=2), encoding="utf-8")
    with path.open("rb") as opened:
        pulled = Pulled(opened, 1)
        read: dict[str, Any] = {}
        for key in pulled.entries():
            read[key] = [pulled.value() for _ in pulled.items()] if key == "l" else pulled.value()
        pulled.end()
    assert read == said


def test_who_stops_it_has_nothing_of_it(home: Home) -> None:
    said, cancel = file(*(ASKED | {"id": n} for n in range(1, 400))), CancelToken()
    before = home.rows()
    path = home.folder / "import.json"
    path.write_text(json.dumps(said))
    stopping = import_chats(home.database, home.store, path, "", "Imported", cancel=cancel)
    assert isinstance(next(stopping), ImportProgress)
    assert home.store.conversations() == ()  # some of it is there, and not to be seen
    assert home.rows() != before
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(stopping)
    assert home.rows() == before


def test_what_a_crash_left_is_gone_with_the_next_start(home: Home, tmp_path: Path) -> None:
    path = home.folder / "import.json"
    path.write_text(json.dumps(file(*(ASKED | {"id": n} for n in range(1, 400)))))
    unfinished = import_chats(home.database, home.store, path, "", "Imported", cancel=CancelToken())
    next(unfinished)
    with closing(Database(home.database.path, MIGRATIONS)) as database:
        store = ChatStore(database)
        assert len(store.purged_at_start) == 1
    assert home.rows() == []


def test_no_file_and_a_folder(home: Home) -> None:
    for path, code in ((home.folder / "none.json", "no_file"), (home.folder, "cannot_read")):
        with pytest.raises(BackendError) as refused:
            list(import_chats(home.database, home.store, path, "", "Imported", cancel=CancelToken()))
        assert refused.value.code == code


def test_a_title_is_replaced_only_where_it_was(home: Home) -> None:
    """Titles that the model gave stay the model's: it may give another one."""
    made = told(home)
    home.store.give_title(home.store.create().id, "By the model")
    read = home.exported()
    assert [one["titled_by"] for one in read["conversations"]] == ["person", "model"]
    copies = home.takes(read | {"conversations": [read["conversations"][0]]}).conversation_ids
    assert replace(home.store.conversation(copies[0]), id=made).renamed
