"""Presenting: from a run and its records to a static site. No torch, no network, no clock."""

from generator.present.files.settings import Settings
from generator.present.site.write import SiteReport, build_site

__all__ = ["Settings", "SiteReport", "build_site"]
