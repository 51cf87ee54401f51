"""Harness of tests and benchmarks: real servers and Collectors, without containers."""
