"""Access to a gateway: its links, pairing, allowed origins, the provider check."""
