"""Measurements of the whole product, side by side with peers. `make bench` runs them; none is a test."""
