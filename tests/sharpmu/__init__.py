"""Tests of the package `sharpmu`, and of what all front doors have in common."""
