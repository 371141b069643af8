"""Figures of papers, each offered for the models and images of a gallery."""
