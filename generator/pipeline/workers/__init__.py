"""Measuring dealt out: in this process, to a process on each device, to nodes of a cluster."""
