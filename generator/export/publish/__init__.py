"""Publishing to GitHub Pages or a Hugging Face Space, after a review of the site."""
