"""Before the first model: what it will cost, in which precision it is made, and whether it can be measured."""
