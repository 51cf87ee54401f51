"""What tests run against: real servers and Collectors, had without containers."""
