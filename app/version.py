"""The version of Deploy Agent. This is its only place; CHANGELOG.md says what each one brought."""

VERSION = "1.0.0"
