"""Settings: what they are, their defaults, and where each comes from."""
