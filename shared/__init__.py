"""The recovery plugin: everything the thin Hummingbot scripts and controllers stand on.

The packages depend downwards only: cli, bot, paper and simulator on adapters, wire, ports and domain (see
docs/architecture.md); import-linter enforces it.
"""
