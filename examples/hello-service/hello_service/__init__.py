"""A greeting over HTTP."""

VERSION = "1.0.0"
COMMIT = "unknown"  # build.py writes the commit here
