"""A gateway's token: reveal, check, rotate, equalize."""
