"""What came from outside, read into events; parsing without I/O first."""
