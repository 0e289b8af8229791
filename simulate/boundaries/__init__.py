"""From the errors of a map to the boundary between benign and harmful overfitting, and its picture."""
