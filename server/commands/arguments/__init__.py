"""Parsers of the commands, one module each; they import little, so that help and wrong usage are answered at once."""
