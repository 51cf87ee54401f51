"""Release files, and the checks of what a release consists of: dependencies and secrets."""
