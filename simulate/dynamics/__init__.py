"""How one step is taken: phases, objectives and optimizers, the plan made of them, and the engines."""
