"""Ids, interactions, sequences and the graph of what is consumed together."""
