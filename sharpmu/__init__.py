"""The console command `sharpmu`: one way to all front doors. It stands above all packages, and holds nothing else."""
