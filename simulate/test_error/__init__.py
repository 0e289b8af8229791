"""The error of a network on unseen data, with relative accuracy down to 1e-3000."""
