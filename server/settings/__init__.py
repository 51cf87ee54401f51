"""Settings: names, types, defaults and sources."""
