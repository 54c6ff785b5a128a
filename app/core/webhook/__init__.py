"""Messages about trouble: when one is due, and what it says."""
