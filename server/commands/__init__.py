"""The commands that ask a running server, one module each."""
