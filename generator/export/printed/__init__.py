"""The report for paper."""
