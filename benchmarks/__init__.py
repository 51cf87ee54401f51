"""Benchmarks of Lognotary from outside; README.md explains each."""
