"""Tests of the explorer: its files, its pages in a real browser, and the code that runs there."""
