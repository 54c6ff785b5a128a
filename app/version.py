"""The version of Deploy Agent, set only here. CHANGELOG.md lists the changes of each version."""

VERSION = "1.0.0"
