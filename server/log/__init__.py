"""The log writer and its parts: journal, notarization, commit, recovery."""
