"""Measuring recommenders: exact ranks over the whole catalogue, and the metrics made of them."""
