"""What `compile` refuses before it changes anything."""

TARGETS = ("loss", "loss_weights", "metrics", "weighted_metrics")


def check(model, jit_compile, steps_per_execution, options):
    """Refuses arguments of `ObjectiveModel.compile` that would otherwise be misread or passed over.

    Raises:
        ValueError: If one is out of range, or a loss or metrics are given to a model that knows what it minimises.
    """
    if not (jit_compile == "auto" or isinstance(jit_compile, bool)):
        raise ValueError(f"jit_compile should be True, False or 'auto'. Received: {jit_compile!r}")
    count = steps_per_execution
    if count != "auto" and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
        raise ValueError(f"steps_per_execution should be a positive integer or 'auto'. Received: {count!r}")
    given = [name for name in TARGETS if options.get(name) is not None]
    if given and not model.has_targets:
        name = type(model).__name__
        raise ValueError(
            f"{' and '.join(given)} should not be given: {name} minimises and tracks what its updates say. "
            f"Received: {given[0]}={options[given[0]]!r}"
        )
