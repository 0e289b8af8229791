"""The training step of networks whose activation is not ReLU, as loops."""
