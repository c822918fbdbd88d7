"""`deskseek chats search`: what was said is found from the command line."""

from tests.commands.conftest import Inside


def test_what_was_said_is_found(inside: Inside) -> None:
    chats = inside.services.chats
    made = chats.create("Bread")
    chats.add_message(made.id, "user", "How long does a sourdough rise?")
    answer = chats.add_message(made.id, "assistant", "", status="streaming")
    chats.finish(answer.id, "done", reasoning="They ask about 酵母.", content="A day; sourdoughs are slow.")
    chats.organised.archive([made.id], True)

    lines = inside.run("chats", "search", "sourdough").out.splitlines()
    assert [line.split()[0] for line in lines[::2]] == [str(made.id)] * 2
    assert lines[0].endswith("Bread (archived)")
    assert lines[1::2] == ["   A day; sourdoughs are slow.", "   How long does a sourdough rise?"]
    assert inside.run("chats", "search", "sourdou").out == "Nothing was found.\n"  # nobody is typing
    assert inside.run("chats", "search", "%", language="zh").out == "未找到。\n"

    found = inside.run("chats", "search", "酵母", "--json").json
    assert not found["more"]
    (hit,) = found["hits"]
    assert (hit["conversation"], hit["message"], hit["role"]) == (made.id, answer.id, "assistant")
    assert hit["thinking"]
    ((start, end),) = hit["lit"]
    assert hit["snippet"][start:end] == "酵母"
    assert inside.run("chats", "search", "sourdough", "--limit", "1", "--json").json["more"]
