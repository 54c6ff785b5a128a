"""Launch, stop, restart, archive, restore and delete a deployment."""
