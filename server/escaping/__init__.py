"""Escapes for values that people are shown, in the output of commands and in the server's log."""
