"""Analyses of records: pure functions on numpy arrays, one module for each family of quantities.

Every number that a page shows has an entry in :mod:`generator.analysis.quantities.table`, which
holds its name, unit, definition and source.
"""
