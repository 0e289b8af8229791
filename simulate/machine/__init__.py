"""How the machine is used: kernels compiled and kept, trajectories shared among threads."""
