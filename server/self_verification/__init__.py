"""Verifying, in the background and for as long as a server runs, all that is stored."""
