"""Admission control: limits on requests in flight, shared fairly between clients."""
