"""A gateway's log: frames, lines, filters and colors."""
