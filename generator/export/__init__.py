"""A built site, taken elsewhere: published, packed or quoted. Nothing here needs torch."""
