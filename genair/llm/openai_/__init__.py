"""Any endpoint that speaks the OpenAI protocol: text, no states."""
