"""Hugging Face transformers: for GPUs, and for models llama.cpp does not know."""
