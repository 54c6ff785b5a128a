"""Updates a gateway's image together with its state."""
