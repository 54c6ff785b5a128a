"""Getting into a gateway: its links, pairing, origins, the provider check."""
