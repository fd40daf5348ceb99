"""One file a system: its command and cost, its default data set, its model and its hyperparameters."""
