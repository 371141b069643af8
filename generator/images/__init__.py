"""Pictures and clips: found, opened safely, credited, grouped and annotated."""
