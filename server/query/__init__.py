"""The query language, and search: from the text that somebody typed to the records with their evidence."""
