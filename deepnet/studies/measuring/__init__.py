"""What is measured of models: of one by itself, after relearning, beside others, and for pictures."""
