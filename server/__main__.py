"""``python -m server`` is the ``lognotary`` command, also where its script is not on the path."""

from server.cli import main

raise SystemExit(main())
