"""`vitlab export slides`: a deck for each lesson, from the same cells as its notebook.

questions (a question's text, its options, the right one) -> room (what fits on a slide) -> cells (what each cell
becomes) -> deck (the slides of a lesson, in order) -> page (one HTML file that needs nothing else).
"""
