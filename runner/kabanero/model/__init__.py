"""What the product talks about: kinds, events, topics, matching, substitution, errors. Pure: no I/O and no clock."""
