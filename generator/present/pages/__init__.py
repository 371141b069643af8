"""Pages as finished values for the templates. A folder for each kind of page."""
