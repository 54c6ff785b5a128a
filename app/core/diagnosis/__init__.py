"""Why something failed: the catalogue of causes, and the lines that fix them."""
