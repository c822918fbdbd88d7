"""The localhost API: what programs and editors ask of the model that the window uses.

    ports         what it needs of the rest of the house, and of what kind
    routes        every route with its scope; one that is not in the table does not start
    errors        every error as each dialect says it, with its status
    waiting       streams of the engine's threads, awaited by the event loop
    server        the loop on its thread, from start to drain; listening: its sockets; connection: one of its clients
    guard         who gets in, and with what; origins, limits, bodies: what it holds them against
    exchange      the body in, the response out, between connection and application
    calls         one request from its first byte to its last: who asks, in which dialect, whether it is still wanted
    putting       what a request asks for, in the engine's words; sampling: how it is drawn; for all dialects
    asking        a model is found and asked; telling: what is told of its answer for good; sse: as it comes

One asyncio loop on a thread of its own; it never iterates a Stream, and nothing here blocks it.
"""
