"""The pipeline from a spec to a site: plan, costs, measuring, building."""
