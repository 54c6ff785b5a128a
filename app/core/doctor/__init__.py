"""What the doctor says of this host and of the deployments folder: facts in, findings out, pure."""
