"""Grades submissions without trusting the student's process."""
