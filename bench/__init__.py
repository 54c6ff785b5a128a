"""Benchmarks: Deploy Agent's costs, compared with the simplest alternative in the same run."""
