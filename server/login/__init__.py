"""Login of people and programs: OpenID Connect, sessions, and the authenticators of the API."""
