"""The logs that a process owns, and all that is needed to write them."""
