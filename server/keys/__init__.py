"""Signing keys: the key store, keys in PKCS #11 tokens, the identity of a server."""
