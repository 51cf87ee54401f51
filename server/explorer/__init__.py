"""The explorer: the web page of the server, and the page of evidence bundles."""
