"""Getting into a gateway: pairing, allowed origins, the provider check."""
