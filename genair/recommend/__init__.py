"""Serving: histories of outside ids in, each user's best items out."""
