"""Benchmarks: what Deploy Agent costs, beside the plain way in the same run."""
