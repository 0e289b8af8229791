"""Room for the figures and tables of the paper, drawn from stored results; still empty."""
