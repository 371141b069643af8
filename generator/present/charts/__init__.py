"""Charts as finished geometry: templates print them as SVG, readable without JavaScript.

``chart.py`` says what a chart is, ``axes.py`` maps numbers to places; ``lines.py``, ``bars.py``,
``histograms.py``, ``heat_grid.py`` and ``intervals.py`` build the kinds that pages show. Nothing
here knows what the numbers mean.
"""
