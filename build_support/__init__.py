"""Parts of the package's build, which setup.py puts together; nothing of this is installed."""
