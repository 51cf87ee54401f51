"""The path of a request to storage: group commit, acknowledgement, retries."""
