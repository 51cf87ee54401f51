"""Writing a log: journal, notarization, commit, recovery."""
