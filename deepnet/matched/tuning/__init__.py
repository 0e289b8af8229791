"""Learning rates, one for each arm: the search, and the tables it leaves."""
