"""Quick requests beside slow ones."""
