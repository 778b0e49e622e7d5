"""Stands in for the package of this name: a provider with processors that have a thread."""
