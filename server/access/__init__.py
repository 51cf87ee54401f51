"""Access: senders and their tokens, callers and their roles, tenants."""
