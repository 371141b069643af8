"""Charts as finished geometry: templates print them as SVG, readable without JavaScript.

``chart.py`` says what a chart is and where its plot lies, ``axes.py`` maps numbers to places; the
other modules build the kinds that pages show. Nothing here knows what the numbers mean.
"""
