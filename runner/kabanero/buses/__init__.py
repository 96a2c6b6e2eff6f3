"""Adapters of the Bus port."""
