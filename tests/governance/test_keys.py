"""Keys: shown once, stored hashed, narrowed, revoked, ended."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.core.errors import InvalidInput, NotFound
from backends.governance.access import ROLES, SCOPES, Caller, Forbidden, authorize
from backends.governance.keys import MIGRATIONS, FixedKeys, KeyStore
from backends.governance.rates import Rates
from backends.storage.database import Database

DAY = 86_400.0


class Clock:
    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "keys.db", MIGRATIONS)
    yield database
    database.close()


@pytest.fixture
def keys(database: Database, clock: Clock) -> KeyStore:
    return KeyStore(database, clock)


def test_a_key_is_known_again_and_stored_nowhere(keys: KeyStore, database: Database, tmp_path: Path) -> None:
    key, secret = keys.add("  My\n editor ", "user", models=("r1-*", "r1-*", " "), requests_per_minute=3)
    caller = keys.caller(secret)
    assert caller == Caller(key.id, "My editor", "user", ROLES["user"], ("r1-*",), 3, 0)
    assert key.id in secret
    database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert secret.rpartition("_")[2].encode() not in written
    assert bytes.fromhex(secret.rpartition("_")[2]) not in written
    assert b"My editor" in written


def test_two_keys_differ_and_neither_opens_for_the_other(keys: KeyStore) -> None:
    (first, one), (second, two) = keys.add("one"), keys.add("two", "metrics")
    assert one != two
    mixed = f"dsk_{first.id}_{two.rpartition('_')[2]}"
    assert keys.caller(mixed) is None
    assert (keys.caller(one), keys.caller(two)) == (first.caller, second.caller)


@pytest.mark.parametrize(
    "secret",
    ["", "dsk_", "' OR 1=1 --", "dsk_%_%", "dsk_000000000000_" + "0" * 64, "\ud800", "密钥" * 40, "a" * 100_000],
)
def test_what_is_no_key(keys: KeyStore, secret: str) -> None:
    keys.add("there is one")
    assert keys.caller(secret) is None


@given(st.integers(0, 80), st.characters())
def test_one_other_character_and_it_is_none(tmp_path_factory: pytest.TempPathFactory, place: int, other: str) -> None:
    database = Database(tmp_path_factory.mktemp("keys") / "keys.db", MIGRATIONS)
    keys = KeyStore(database)
    _, secret = keys.add("one")
    changed = secret[:place] + other + secret[place + 1 :]
    assert (keys.caller(changed) is not None) is (changed == secret)
    database.close()


def test_revoked_is_revoked_also_after_a_start(keys: KeyStore, database: Database, clock: Clock) -> None:
    key, secret = keys.add("laptop")
    clock.now += DAY
    assert keys.revoke(key.id).revoked == clock.now
    clock.now += DAY
    assert keys.revoke(key.id).revoked == clock.now - DAY  # the first time counts
    for store in (keys, KeyStore(database, clock)):
        assert store.caller(secret) is None
        assert [one.id for one in store.all()] == [key.id]
    keys.erase(key.id)
    assert keys.all() == KeyStore(database, clock).all() == ()
    for change in (keys.revoke, keys.erase):
        with pytest.raises(NotFound) as refused:
            change(key.id)
        assert refused.value.code == "no_key"


def test_a_key_ends_when_it_should(keys: KeyStore, clock: Clock) -> None:
    _, secret = keys.add("for a day", expires=clock.now + DAY)
    clock.now += DAY - 1
    assert keys.caller(secret)
    clock.now += 1
    assert keys.caller(secret) is None
    with pytest.raises(InvalidInput):
        keys.add("yesterday", expires=clock.now - 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"name": "x" * 101},
        {"name": "a\x00b"},
        {"name": "none", "scopes": ()},
        {"name": "none", "role": "metrics", "scopes": ("chat",)},
        {"name": "much", "requests_per_minute": -1},
        {"name": "long", "models": ("x" * 201,)},
    ],
    ids=["no name", "long name", "NUL", "no scope", "none of its role", "below 0", "long model"],
)
def test_what_no_key_can_be(keys: KeyStore, wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput) as refused:
        keys.add(**wrong)  # type: ignore[arg-type]
    assert refused.value.code == "bad_key"
    assert refused.value.message.zh
    assert keys.all() == ()


def test_a_key_never_has_more_than_its_role() -> None:
    for role, of_role in ROLES.items():
        for scope in SCOPES:
            greedy = Caller("x", "x", role, SCOPES)
            if scope in of_role:
                authorize(greedy, scope)
            else:
                with pytest.raises(Forbidden):
                    authorize(greedy, scope)
            with pytest.raises(Forbidden):
                authorize(Caller("x", "x", role, of_role - {scope}), scope)


def test_models_are_named_by_patterns() -> None:
    caller = Caller("x", "x", models=("r1-*", "Bge-M3:Q8_0"))
    assert [caller.may_use(one) for one in ("r1-0528:Q4", "R1-x", "bge-m3:q8_0", "bge-m3:f16", "v3")] == [
        *(True, True, True, False, False)
    ]
    assert Caller("x", "x").may_use("anything")


def test_keys_of_a_file_beside_those_of_the_store(keys: KeyStore) -> None:
    _, secret = keys.add("stored", "readonly")
    both = FixedKeys(["a-key-of-somebody-else-0123456789"], keys)
    stored, fixed = both.caller(secret), both.caller("a-key-of-somebody-else-0123456789")
    assert stored is not None
    assert fixed is not None
    assert (stored.role, fixed.role) == ("readonly", "admin")
    assert both.caller("a-key-of-somebody-else-012345678") is None
    for weak in ("short", "has blanks in it, which no header has", "密" * 30):
        with pytest.raises(InvalidInput):
            FixedKeys([weak])


def test_requests_a_minute(clock: Clock) -> None:
    rates, caller = Rates(clock), Caller("x", "x", requests_per_minute=2)
    assert rates.admit(caller) == 0
    clock.now += 20
    assert [rates.admit(caller), rates.admit(caller)] == [0, 40]
    assert rates.admit(Caller("y", "y", requests_per_minute=2)) == 0  # everybody has their own
    clock.now += 39.5
    assert rates.admit(caller) == 1
    clock.now += 0.5
    assert [rates.admit(caller), rates.admit(caller)] == [0, 20]


def test_tokens_a_minute(clock: Clock) -> None:
    rates, caller = Rates(clock), Caller("x", "x", tokens_per_minute=100)
    assert rates.admit(caller) == 0
    rates.spend(caller, 60)
    clock.now += 10
    assert rates.admit(caller) == 0
    rates.spend(caller, 70)
    assert rates.admit(caller) == 50  # then the first 60 do not count any more
    clock.now += 50
    assert rates.admit(caller) == 0
    assert rates.admit(Caller("free", "free")) == 0


def test_no_key_is_compared_by_its_letters() -> None:
    """SEC-06: no `==` where keys are told apart, but `hmac.compare_digest`."""
    tree = ast.parse((Path(__file__).resolve().parents[2] / "backends" / "governance" / "keys.py").read_text("utf-8"))
    secret = {"secret", "mine", "kept", "hash", "hashes"}
    compared = [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    for node in compared:
        if any(isinstance(op, ast.Eq | ast.NotEq | ast.In) for op in node.ops):
            assert not {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} & secret
    assert "compare_digest" in {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
