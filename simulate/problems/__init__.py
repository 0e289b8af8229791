"""What is trained on: the law of the data, one training set drawn from it, its exact coordinates and its scales."""
