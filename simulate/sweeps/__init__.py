"""Grids of trainings on disk: named axes, chunks that are whole or not there, workers, refinement."""
