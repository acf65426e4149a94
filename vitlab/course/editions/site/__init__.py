"""The static site: every lesson solved, with its outputs and a living explorer, searchable, from disk or a server."""
