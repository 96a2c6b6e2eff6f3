"""Loops that bring resources to the state their specs ask for: each reads, lets the engine decide, and writes."""
