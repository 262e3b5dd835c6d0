"""Postgres: the embedded server, connections, the store. Only composition roots and tests import from here."""
