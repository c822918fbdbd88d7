"""Conversations: kept, turned into prompts, answered.

    types     what a conversation and a message are, as frozen data
    store     the tree of messages in `chats.db`; the room's only file with SQL
    titles    what a conversation is called before somebody names it
    prompt    which turns go to the model, and what is left out when they do not fit
    answer    the task that stores a question, streams its answer and saves it as it grows

The room promises: a question is on disk before the model sees it, a streamed answer at most about a second
after it was said, and nothing is ever cut in silence.
"""
