"""The explorer: a web page that shows records and their evidence, and checks them in the browser.

The page itself is in ``web/``, written in TypeScript and built into ``static/``. It uses the API that others use.
"""
