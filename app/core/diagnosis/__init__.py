"""Diagnosis: why something failed, and the shell command that fixes the cause."""
