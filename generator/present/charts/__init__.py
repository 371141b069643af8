"""Charts as SVG geometry: bars, lines, histograms, intervals, heat grids, head strips.

``chart.py`` has the dataclasses of charts, ``axes.py`` the axes; each other module builds a kind of
chart. Templates print them as SVG, which needs no JavaScript.
"""
