"""`deskseek chats search`: what was said in conversations, found again."""

from typing import Any

from backends.chat.export.words import UNTITLED, moment
from backends.chat.search import MOST, ChatHit
from backends.commands.arguments import Parser, whole, wrap
from backends.commands.console import LINE
from backends.commands.job import DONE, INTERRUPTED, Command, Job
from backends.core.phrase import Language, Phrase

NAME = "chats search"
SUMMARY = Phrase("Find what was said in conversations.", "在对话中查找内容。")
_LIMIT = 1000
_ARCHIVED = Phrase("archived", "已归档")
_THOUGHTS = Phrase("thoughts", "思考过程")


def grammar(language: Language) -> Parser:
    after = Phrase(
        "Every word must be there, in a title or in one message. Titles come first, then the newest messages.",
        "标题或同一条消息须包含全部词语。先列出标题，再按时间由新到旧列出消息。",
    )
    parser = Parser(f"deskseek {NAME}", SUMMARY, language, after=after)
    parser.word("text", "TEXT", Phrase("words", "关键词"), required=True, many=True)
    parser.option(
        "--limit",
        "N",
        Phrase(f"hits at most; usually {MOST}", f"结果数上限，默认 {MOST}"),
        kind=whole(1, _LIMIT),
        default=MOST,
    )
    parser.json_switch()
    return parser


def run(job: Job) -> int:
    search, given = job.services.chats.search, job.arguments
    while search.read() and not job.cancel.cancelled:  # all of it, whoever waits
        pass
    if job.cancel.cancelled:
        return INTERRUPTED
    found = search.find(" ".join(given.text), most=given.limit, each=_LIMIT, typing=False)
    if job.console.as_json:
        job.console.json({"hits": [_as_data(hit) for hit in found.hits], "more": found.more})
    elif not found.hits:
        job.console.line(job.console.to(Phrase("Nothing was found.", "未找到。")))
    for hit in () if job.console.as_json else found.hits:
        _show(hit, job)
    return DONE


def _show(hit: ChatHit, job: Job) -> None:
    console = job.console
    marks = [console.to(mark) for mark, is_so in ((_THOUGHTS, hit.thinking), (_ARCHIVED, hit.archived)) if is_so]
    title = hit.title or console.to(UNTITLED)
    said = f" ({', '.join(marks)})" if marks else ""
    console.line(console.bold(f"{hit.conversation_id}  {moment(hit.created)}  {title}{said}"))
    if hit.message_id is not None:
        console.lines([f"   {line}" for line in wrap(hit.snippet, LINE - 3)])


def _as_data(hit: ChatHit) -> dict[str, Any]:
    """`lit`: [start, end] in the characters of the snippet."""
    return {
        "conversation": hit.conversation_id,
        "title": hit.title,
        "archived": hit.archived,
        "message": hit.message_id,
        "role": hit.role,
        "thinking": hit.thinking,
        "snippet": hit.snippet,
        "lit": [list(place) for place in hit.lit],
        "created": hit.created,
    }


SEARCH = Command("search", SUMMARY, grammar, run, needs_owner=True)
