"""The teaching editions: slides, worksheets and the site, all made from executed solved lessons."""
