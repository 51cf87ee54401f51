"""Producers' signatures: which records carry one, whose it is, and whether it is believed."""
