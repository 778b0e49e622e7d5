"""The structure of the sources in figures: python -m tools.structure (make structure)."""
