"""Widgets that a student drags: one module a lesson, drawn in the browser, alive without a kernel."""
