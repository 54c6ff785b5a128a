"""The rules of Deploy Agent: pure functions and values, no Flask, no Docker, no files."""
