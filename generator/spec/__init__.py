"""A checked, frozen description of a gallery, from a file and options."""
