"""What happened to a deployment, as entries and in words."""
