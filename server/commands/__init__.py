"""The subcommands of ``lognotary``, one module each."""
