"""Pages: a folder for each kind of page, with its plan and the views that its template prints."""
