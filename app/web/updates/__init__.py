"""Updates of one deployment and of several."""
