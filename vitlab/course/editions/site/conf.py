"""Settings of Sphinx for the site; `theme.run_sphinx` adds the course's name and the files to copy."""

extensions = ["myst_parser", "vitlab.course.editions.site.theme"]
myst_enable_extensions = ["dollarmath"]
myst_disable_syntax = ["html_block", "html_inline"]  # as in the other editions, HTML in a lesson is text
smartquotes = False
language = "en"

html_theme = "furo"
html_math_renderer = "mathml"
html_static_path = ["static", "../live.js"]
html_css_files = ["site.css"]
html_js_files = [("live.js", {"defer": ""}), ("site.js", {"defer": ""})]
templates_path = ["templates"]
html_copy_source = False
html_show_copyright = False
html_use_index = False
html_permalinks = False

highlight_language = "none"
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
