"""Conversations: kept, turned into prompts, answered.

    types      what a conversation and a message are, as frozen data
    schema     the form of `chats.db`; `rows` reads its rows
    store      conversations and the tree of their messages
    tree       branches deleted, restored, copied
    organised  folders, options, drafts, saved prompts
    sourced    what answers were made from
    search     the full-text index of it; `search_words` what is looked for, and where it stands in a text
    fit        what will not fit, as data
    titles     what a conversation is called before somebody names it
    prompt     which turns go to the model, and what is left out when they do not fit
    export     conversations as files, on the clipboard, and back
    answer     the task that stores a question, streams its answer and saves it as it grows

The room promises: a question is on disk before the model sees it, a streamed answer at most about a second
after it was said, nothing is ever cut in silence, and what is deleted can be brought back until it is erased.
"""
