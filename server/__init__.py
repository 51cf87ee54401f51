"""Lognotary's server: receivers, pipeline, notary, API, command line."""
