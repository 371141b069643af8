"""Writing a site: staging, pages, manifest, size limit."""
