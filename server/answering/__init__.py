"""Answering: the ports of the API, what stands in front of its answers, and its connections to storage."""
