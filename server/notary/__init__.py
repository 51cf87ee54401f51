"""Evidence: canonical records, Merkle logs, signed checkpoints, verification. Pure: no I/O."""
