"""Fuzzing of the two ports that take records from anybody: OTLP/gRPC and OTLP/HTTP.

What is sent is made by ``payloads``, ``encodings``, ``http_cases``, ``grpc_calls`` and ``grpc_connections``, each
from a seed and a number; ``delivery`` sends it, ``http_answers`` and ``grpc_answers`` judge what comes back,
``crowd`` keeps thousands of connections busy with nothing, ``neighbours`` are the senders that must not notice any
of it, and ``campaign`` puts the parts together.
"""
