"""Handling of every request: guards, permissions, errors, logs, metrics."""
