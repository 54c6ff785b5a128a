"""Diagnosis: why something failed, and the shell line that fixes it."""
