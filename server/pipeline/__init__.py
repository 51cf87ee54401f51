"""What happens to records before they are stored: classification, encoding, group commit."""
