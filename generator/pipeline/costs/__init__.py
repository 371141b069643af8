"""What a build costs: time, memory, downloads, store and site."""
