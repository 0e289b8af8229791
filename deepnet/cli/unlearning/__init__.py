"""`python -m deepnet unlearn`: unlearning for those who write no Python."""
