"""What every request passes: guards, permissions, errors, logs, metrics."""
