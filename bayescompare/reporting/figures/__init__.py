"""Figures as inline SVG; the only part of the package that imports Matplotlib and ArviZ's plots."""
