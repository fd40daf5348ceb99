"""The base of all families: updates, steps, replicas, noise, compilation and saved state."""
