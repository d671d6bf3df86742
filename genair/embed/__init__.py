"""From archetypes to item vectors: mean hidden states per view, reduced and joined."""
