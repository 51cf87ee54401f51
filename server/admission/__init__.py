"""Admission control: how much a server holds of requests at a time, and whose."""
