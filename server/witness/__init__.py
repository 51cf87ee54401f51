"""External confirmation of logs: cosignatures by witnesses (C2SP tlog-witness), and timestamps by authorities."""
