"""The data directory, and files that are replaced whole."""
