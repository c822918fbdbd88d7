"""Who may do what: the keys of the localhost API, their roles and scopes, and the one question `authorize`."""
