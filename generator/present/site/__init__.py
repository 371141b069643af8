"""Writing of a site: staging, pages, manifest, size limit."""
