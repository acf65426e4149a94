"""Reference models of the lessons, one idea a file; nothing here knows of exercises or checks."""
