"""Calls to a gateway: its readiness checks, and a request to its provider with its key."""
