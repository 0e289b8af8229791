"""Your answers: put a number, a word, or a list of words in the place of each `None`."""

ratio_factor = None
signal_factor = None
switched_off = None
threshold = None
tug_of_war = None
verdicts = None
best_forget_accuracy = None
test_error = None
