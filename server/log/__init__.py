"""The writers of a stream's logs and their parts: journal, notarization, commit, recovery."""
