"""Words and numbers as people and LaTeX write them."""
