"""From items to archetypes: whom each item is for, in a language model's words."""
