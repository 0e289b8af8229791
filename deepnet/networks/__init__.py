"""Networks: their architectures, batch normalisation, modes, precision, and weights on disk."""
