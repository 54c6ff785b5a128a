"""What deployments do now, and why one does not work."""
