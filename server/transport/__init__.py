"""HTTP and gRPC servers, and limits on their connections."""
