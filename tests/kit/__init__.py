"""Real parts for tests: small GGUFs, a hub, servers on 127.0.0.1."""
