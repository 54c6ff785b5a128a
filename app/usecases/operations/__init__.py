"""Operations: each runs in a process of its own and outlives the server."""
