"""Tests of one row for each id of an audit record."""
