"""The status of a deployment and what it rests on."""
