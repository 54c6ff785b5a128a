"""Reading and following a gateway's log."""
