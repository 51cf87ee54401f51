"""From request bytes to rows: both codecs, audit rules, canonical encoding."""
