"""The doctor: checks of the host, the engine and the deployments folder."""
