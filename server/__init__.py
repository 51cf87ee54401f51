"""Lognotary's server: receivers, pipeline, notary, API, command line."""

import os

# gRPC's C library reads this once, when it is imported. It writes to standard error by itself, past the log, whatever
# clients sent and as they sent it: anybody could forge lines, or fill the disk.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
