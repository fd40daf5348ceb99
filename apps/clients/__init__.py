"""Small clients of a server of exported models (TF Serving): over REST and over gRPC."""
