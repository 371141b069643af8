"""The program: from a spec to a site. What is missing, what it costs, measuring it, building."""
