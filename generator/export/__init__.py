"""Exports of a built site: publishing, single file, report, figures, data. Torch is not needed."""
