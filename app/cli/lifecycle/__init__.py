"""Commands that launch, stop, restart, archive, restore and delete deployments."""
