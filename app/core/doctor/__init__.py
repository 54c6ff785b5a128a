"""The doctor: checks of this host and of the deployments folder, from facts to findings."""
