"""Tests that travel in the built file, so that what is tested is what will be deployed."""
