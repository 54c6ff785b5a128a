"""Launch, stop, restart, archive, restore and delete, as pages and calls."""
