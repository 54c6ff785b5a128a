"""What every request passes: permissions, security, errors, limits."""
