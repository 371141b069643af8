"""The pipeline from a spec to a site: plan, cost estimates, measuring, building."""
