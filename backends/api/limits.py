"""How much a program may send, and how long it may take for it (SEC-08). Sizes in bytes, times in seconds."""

from dataclasses import dataclass

KIB, MIB = 1024, 1024 * 1024

HEADER_BYTES = 32 * KIB  # request line and headers together
HEADER_SECONDS = 10.0  # from the first byte of a connection to the end of the headers
BODY_BYTES = 8 * MIB
BODY_SECONDS = 15.0
UPLOAD_BYTES = 512 * MIB
UPLOAD_LEAST = 16 * KIB  # of an upload in every BODY_SECONDS
JSON_DEPTH = 64
JSON_VALUES = 250_000  # in one body: millions of small ones would keep the event loop from everybody else
MESSAGES = 2_000
TOOLS = 128
SCHEMA_BYTES = 64 * KIB
GRAMMAR_BYTES = 64 * KIB
CONNECTIONS = 64
REFUSED = 192  # further ones that are told so at a time; those beyond are closed without a word
KEEP_ALIVE_SECONDS = 10.0  # that a connection may be idle between two requests
WRITE_SECONDS = 60.0  # in which a client takes at least something of what it asked for
LINGER_SECONDS = 2.0  # in which a client hears why its connection is closed
LINGER_BYTES = 64 * MIB  # that are still taken, and thrown away, meanwhile
PIPELINED_BYTES = 64 * KIB  # of further requests, taken while one is answered
RETRY_MOST = 60  # a client is never told to come again later than that


@dataclass(frozen=True, slots=True)
class Limits:
    """Those that the guard and the connections keep; tests use small ones."""

    header_bytes: int = HEADER_BYTES
    header_seconds: float = HEADER_SECONDS
    body_bytes: int = BODY_BYTES
    body_seconds: float = BODY_SECONDS
    upload_bytes: int = UPLOAD_BYTES
    connections: int = CONNECTIONS
    keep_alive_seconds: float = KEEP_ALIVE_SECONDS
    write_seconds: float = WRITE_SECONDS
    linger_seconds: float = LINGER_SECONDS
