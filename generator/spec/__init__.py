"""Specification of a gallery: read from a TOML file and options, validated, frozen."""
