"""The forms and calls that create and change a deployment."""
