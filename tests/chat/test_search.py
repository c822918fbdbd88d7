"""What was said is found again, in both languages; and when it is erased, nothing of it is left in the index."""

from pathlib import Path

import pytest

from backends.chat.schema import MIGRATIONS
from backends.chat.search import AT_ONCE, EACH, ChatHit
from backends.chat.search_words import Wanted
from backends.chat.store import ChatStore
from backends.storage.database import Database


def told(store: ChatStore, question: str, answer: str = "", thought: str = "") -> int:
    """A conversation of a question and perhaps an answer."""
    conversation = store.create()
    store.add_message(conversation.id, "user", question)
    if answer or thought:
        message = store.add_message(conversation.id, "assistant", "", status="streaming")
        store.save_progress(message.id, thought[:5], answer[:5])
        store.finish(message.id, "done", reasoning=thought, content=answer)
    return conversation.id


def messages(store: ChatStore, text: str) -> list[ChatHit]:
    return [hit for hit in store.search.find(text).hits if hit.message_id is not None]


def lit(hit: ChatHit) -> list[str]:
    return [hit.snippet[start:end] for start, end in hit.lit]


SAID = (
    "Running flies: the part AB-1234/56 costs $1,299, max_tokens=5, call getHTTPResponse(x) in C++ at 100%. "
    "用戶手冊第３章说明知识产权；naïve café."
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("running", ["Running"]),
        ("runnin", ["Runnin"]),
        ("RUN", ["Running"]),
        ("flie", ["flie"]),
        ("cost", ["costs"]),
        ("AB-1234/56", ["AB-1234/56"]),
        ("ab-12", ["AB-12"]),
        ("1299", ["1,299"]),
        ("max_tok", ["max_tok"]),
        ("getHTTPResp", ["getHTTPResp"]),
        ("httpresponse", None),
        ("c++", ["C++"]),
        ("cafe", ["café"]),
        ("用户", ["用戶"]),
        ("手", ["手"]),
        ("知識產權", ["知识产权"]),
        ("知产", None),
        ("识权", None),
        ("part 手册", ["part", "手冊"]),
        ("part nowhere", None),
        ("100%", ["100"]),
        ('"part"', ["part"]),
        ("%", None),
        ("_", None),
        ("*", None),
        ("'\"%_*;--", None),
        ("AND(part", None),
        ("\ud83d", None),
        ("", None),
    ],
)
def test_it_is_found_as_it_is_typed(store: ChatStore, text: str, shown: list[str] | None) -> None:
    told(store, "A question", SAID)
    hits = messages(store, text)
    assert [lit(hit) for hit in hits] == ([shown] if shown is not None else [])


def test_titles_come_first_then_the_newest(store: ChatStore) -> None:
    first = told(store, "About whales", "Whales are no fish.")
    told(store, "Fish", "Sharks are, whales are not.", "The person means whales.")
    store.rename(first, "A trip to Iceland")
    last = told(store, "Whales again")
    hits = store.search.find("whales").hits
    assert [(hit.conversation_id == last, hit.message_id is None) for hit in hits[:2]] == [(True, True), (True, False)]
    assert [hit.role for hit in hits[1:]] == ["user", "assistant", "assistant", "user"]
    assert not any(hit.thinking for hit in hits)
    assert store.search.find("iceland").hits[0].snippet == "A trip to Iceland"
    assert [hit.thinking for hit in messages(store, "person means")] == [True]


def test_a_long_conversation_does_not_hide_the_others(store: ChatStore) -> None:
    other = told(store, "One word about otters")
    long = store.create("Otters all day")
    for number in range(20):
        store.add_message(long.id, "user", f"Otter number {number}")
    found = [hit.conversation_id for hit in messages(store, "otters")]
    assert found == [long.id] * EACH + [other]
    assert store.search.find("otters", most=3).more


def test_what_is_hidden_is_not_found_and_what_is_archived_says_so(store: ChatStore) -> None:
    gone, kept = told(store, "The heron flew"), told(store, "A heron stood", "Herons wait.")
    store.delete(gone)
    store.organised.archive([kept], True)
    deleted = store.tree.delete(store.messages(kept)[-1].id)
    assert [(hit.conversation_id, hit.archived) for hit in messages(store, "heron")] == [(kept, True)]
    store.tree.restore(deleted)
    store.restore(gone)
    assert len(messages(store, "heron")) == 3


def test_an_answer_is_found_when_it_is_whole_and_as_it_is_then(store: ChatStore) -> None:
    conversation = store.create()
    store.add_message(conversation.id, "user", "Say it")
    answer = store.add_message(conversation.id, "assistant", "", status="streaming")
    store.save_progress(answer.id, "", "A marmot")
    assert messages(store, "marmot") == []
    store.finish(answer.id, "stopped", reasoning="", content="A marmot whist")
    assert lit(messages(store, "marmot")[0]) == ["marmot"]
    store.reopen(answer.id)
    store.finish(answer.id, "done", reasoning="", content="A marten whistles")
    assert messages(store, "marmot") == []
    assert [hit.message_id for hit in messages(store, "marten")] == [answer.id]
    copy = store.tree.duplicate(conversation.id, "Again")
    assert {hit.conversation_id for hit in messages(store, "marten")} == {conversation.id, copy}


def test_an_answer_that_a_crash_cut_off_is_found(tmp_path: Path) -> None:
    database = Database(tmp_path / "chats.db", MIGRATIONS)
    store = ChatStore(database)
    conversation = store.create()
    answer = store.add_message(conversation.id, "assistant", "", status="streaming")
    store.save_progress(answer.id, "", "The lynx was")
    database.close()
    assert [hit.message_id for hit in messages(ChatStore(Database(tmp_path / "chats.db", MIGRATIONS)), "lynx")] == [
        answer.id
    ]


def test_a_snippet_shows_the_place_in_a_long_text(store: ChatStore) -> None:
    told(store, "Long", "word " * 400_000 + "the pelican\nlanded " + "word " * 1000)
    (hit,) = messages(store, "pelican")
    assert lit(hit) == ["pelican"]
    assert "the pelican landed" in hit.snippet
    assert hit.snippet.startswith("…")
    assert hit.snippet.endswith("…")
    assert len(hit.snippet) < 300


def test_conversations_from_before_the_index_are_read_in_steps_the_newest_first(tmp_path: Path) -> None:
    before = ChatStore(Database(tmp_path / "chats.db", MIGRATIONS))
    for number in range(AT_ONCE):
        told(before, f"Title {number}", f"badger {number}")
    database = Database(tmp_path / "chats.db", MIGRATIONS)
    store = ChatStore(database)
    assert store.search.find("badger").waiting == 2 * AT_ONCE  # titles are in
    assert store.search.find("badger").waiting == AT_ONCE
    newest = messages(store, f"badger {AT_ONCE - 1}")
    assert len(newest) == 1
    database.close()  # and on
    store = ChatStore(Database(tmp_path / "chats.db", MIGRATIONS))
    while store.search.read():
        pass
    assert len(messages(store, "badger 0")) == 1
    assert store.search.waiting() == 0


def test_an_index_of_other_words_is_made_anew(tmp_path: Path) -> None:
    database = Database(tmp_path / "chats.db", MIGRATIONS)
    store = ChatStore(database)
    told(store, "A stoat")
    assert len(messages(store, "stoat")) == 1
    database.connection().execute("UPDATE search_state SET made_by = 'others'")
    assert len(messages(store, "stoat")) == 1
    assert store.search.waiting() == 0


def left(database: Database) -> set[str]:
    """Terms of the index."""
    connection = database.connection()
    connection.execute("CREATE VIRTUAL TABLE temp.left USING fts5vocab (main, search_terms, row)")
    found = {str(term) for (term,) in connection.execute("SELECT term FROM temp.left")}
    connection.execute("DROP TABLE temp.left")
    return found


SECRET = ("heliotrope", "heliotrop", "紫蝶花", "紫蝶", "蝶花")


def test_of_what_is_erased_nothing_is_left_in_the_file(tmp_path: Path) -> None:
    database = Database(tmp_path / "chats.db", MIGRATIONS)
    store = ChatStore(database)
    kept = told(store, "Which flowers?", "Roses, and helium.")
    branch = store.add_message(kept, "user", "Heliotrope then 紫蝶花")
    gone = told(store, "A heliotrope 紫蝶花", "Heliotropes 紫蝶花", "heliotrope, they say")
    named = store.create("Heliotrope 紫蝶花")
    assert len(messages(store, "heliotrope")) == 3
    store.rename(named.id, "Nothing")
    assert store.search.waiting() == 1
    for one in (gone, named.id):
        store.delete(one)
    store.purge()
    assert len(messages(store, "heliotrope")) == 1
    store.tree.delete(branch.id)
    store.tree.erase()
    assert left(database) & set(SECRET) == set()
    assert {"rose", "helium", "flower"} <= left(database)
    assert len(messages(store, "helium")) == 1
    database.close()
    data = (tmp_path / "chats.db").read_bytes().lower()
    assert [word for word in SECRET if word.encode() in data] == []


def test_erasing_goes_on_after_a_crash(tmp_path: Path) -> None:
    database = Database(tmp_path / "chats.db", MIGRATIONS)
    store = ChatStore(database)
    told(store, "kept here", "roses")
    gone = told(store, "heliotrope")
    assert len(messages(store, "heliotrope")) == 1
    store.delete(gone)
    database.close()
    database = Database(tmp_path / "chats.db", MIGRATIONS)
    store = ChatStore(database)  # the text goes when it opens; the index later, and here the power fails
    assert "heliotrop" in left(database)
    database.close()
    database = Database(tmp_path / "chats.db", MIGRATIONS)
    ChatStore(database).search.erase()
    assert "heliotrop" not in left(database)
    database.close()
    assert b"heliotrop" not in (tmp_path / "chats.db").read_bytes()


def test_erasing_lets_go_of_an_index_of_other_words(tmp_path: Path) -> None:
    database = Database(tmp_path / "chats.db", MIGRATIONS)
    store = ChatStore(database)
    gone = told(store, "heliotrope")
    assert len(messages(store, "heliotrope")) == 1
    database.connection().execute("UPDATE search_state SET made_by = 'others'")
    store.delete(gone)
    store.purge()
    database.close()
    assert b"heliotrop" not in (tmp_path / "chats.db").read_bytes()


def test_words_are_lit_in_any_text() -> None:
    wanted = Wanted.of("知识产权 runn")
    assert wanted.spans("running 知識產權") == ((0, 4), (8, 12))
    assert wanted.spans("nothing of it") == ()
    assert Wanted.of("a" * 10_000).match.count('"') < 200
    assert Wanted.of(" ".join(f"word{n}" for n in range(400))).match.count(" AND ") < 80
