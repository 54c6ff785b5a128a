"""The status of a deployment, its readiness, its usage, and the capacity of the host."""
