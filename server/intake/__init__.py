"""Where records come in: in this process, or in its workers."""
