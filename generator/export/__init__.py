"""From a built site and its records to files that others can read. No torch, no network."""
