"""Throughput of keras_dl beside its peers."""
