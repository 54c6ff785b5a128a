"""Log streams of containers."""
