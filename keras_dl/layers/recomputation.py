"""Layers that hold their inputs alone for the gradient, and compute the rest of it again."""

import contextvars

import keras


def recomputed(function, layer, x):
    """Returns `function(x)`, whose gradient computes it a second time instead of keeping what lies between.

    (Chen et al. 2016, "Training deep nets with sublinear memory cost".) Moving averages and other states of the layer
    change once, by the first computation.

    Args:
        function: Function of a tensor that computes with the weights of `layer` and draws no random numbers.
        layer: The built Keras layer.
        x: Tensor.
    """
    # Weights come as tensors: a gradient that reads variables would assign the averages of the second pass, too.
    variables, states = layer.variables, layer.non_trainable_variables
    around = contextvars.copy_context()  # says which rows count; the gradient is taken outside of it

    def stateless(x, *values):
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))) as scope:
            outputs = around.copy().run(function, x)
            return (outputs, *(scope.get_current_value(state) for state in states))

    outputs, *changed = keras.remat(stateless)(x, *(variable.value for variable in variables))
    for state, value in zip(states, changed, strict=True):
        state.assign(value)
    return outputs
