"""What records say: numpy and scipy, pure. One small module for each family of quantities.

Every number that a page shows has an entry in :mod:`generator.analysis.quantities.table`, which
names it, gives its unit and its definition, and says where it comes from.
"""
