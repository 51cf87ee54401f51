"""A server process and the machine: memory, descriptors, logging, lifecycle, metrics."""
