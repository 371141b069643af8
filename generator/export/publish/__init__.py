"""To GitHub Pages or to a Space, after a review of the site."""
