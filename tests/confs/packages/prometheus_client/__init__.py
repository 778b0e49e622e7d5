"""Stands in for the package of this name: says what it is asked to do."""
