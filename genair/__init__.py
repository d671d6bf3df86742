"""Generative archetype-grounded item representations for sequential recommendation.

GenAIR (Li et al., WWW 2026, arXiv 2606.11023): a language model writes whom an item is for, its hidden
states become the item's vector, behaviour bends the space, and recommenders learn from it.
"""
