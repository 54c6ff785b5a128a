"""What a deployment does now, and why it does not work."""
