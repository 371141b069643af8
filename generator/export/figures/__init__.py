"""Figures for papers: any view or a paper's own figure, at a venue's width, with its caption.

The only folder that imports matplotlib, and never pyplot, whose state is global.
"""
