"""Operations: each runs in its own process and outlives the server."""
