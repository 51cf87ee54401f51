"""Self-verification: background scrubbing of the whole storage while a server runs."""
