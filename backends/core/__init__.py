"""The ground: what every room needs and no room owns. Imports nothing of DeskSeek but itself.

phrase, errors       sentences in both languages; the world's failures, each with a hint and a code
cancel, stream       a task is a generator of events; a Stream carries them, a Runner runs it, a token stops it
paths, files         where things lie, which names may be names, files that are never half written
settings, fields     what a person may choose, as data: dialog, command line and validator are derived
secrets, log         tokens in the system's keyring; a log without them
network              the one door for what leaves this machine (addresses, routes, transport, connections)
owner                one process owns the data folder; the others speak to it
crashes              what the last run came to
"""
