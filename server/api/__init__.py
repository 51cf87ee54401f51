"""Correlation and evidence services, over gRPC and HTTP."""
