"""Names of hyperparameters, which say what these mean."""


class Name(str):
    """Name of a hyperparameter with what it means, for lists of a recipe's hyperparameters.

    It is a string like any other to KerasTuner, in files and in dicts.

    Example:

    >>> import keras_tuner as kt
    >>> hp = kt.HyperParameters()
    >>> hp.Int(Name("latent_size", "numbers that a sample is made of"), 2, 64, default=16)
    16
    >>> hp.get("latent_size"), meaning(hp.space[0])
    (16, 'numbers that a sample is made of')
    """

    meaning: str

    def __new__(cls, name, meaning):
        text = super().__new__(cls, name)
        text.meaning = meaning
        return text

    def __str__(self):
        return self  # KerasTuner makes names strings by `str`, which would lose the meaning

    def __getnewargs__(self):
        return str.__str__(self), self.meaning


def meaning(parameter):
    """What a hyperparameter means, `""` if its name does not say so."""
    return getattr(parameter.name, "meaning", "")
