"""The forms and calls that make and change a deployment."""
