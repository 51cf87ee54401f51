"""Between the bytes of a request and rows: both codecs, audit rules, canonical encoding."""
