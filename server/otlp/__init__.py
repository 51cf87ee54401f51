"""Receiving OTLP: gRPC and HTTP, status and limits, the codecs."""
