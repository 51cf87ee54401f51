"""Errors that several rooms raise and handle."""
