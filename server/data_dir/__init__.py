"""The data directory, and atomic replacement of files."""
