"""Commands that measure Lognotary from outside; README.md says what each means."""
