"""Learning rates of several optimizers, which change together where a callback changes that of the first."""

import keras


class SharedRates(keras.callbacks.Callback):
    """Keeps the ratios of the optimizers' learning rates while a callback changes that of the first.

    Keras' callbacks know one optimizer, `model.optimizer`. Schedules keep their own course, and a rate that a callback
    of one's own has set is left as it is: from then on its ratio to the first one's counts.
    """

    acts_on_batches = False

    def on_train_begin(self, logs=None):
        self._rate = _rate(self.model.optimizer)
        self._rates = {id(optimizer): _rate(optimizer) for optimizer in self._others()}
        # Remembered, not taken from the last change: a rate may pass through 0.
        self._ratios = {key: rate / self._rate for key, rate in self._rates.items() if self._rate}

    def on_train_batch_begin(self, batch, logs=None):
        self.share()

    def on_epoch_begin(self, epoch, logs=None):
        self.share()

    def on_epoch_end(self, epoch, logs=None):
        self.share()

    def share(self):
        """Gives the others the first one's change since the last call."""
        before, self._rate = self._rate, _rate(self.model.optimizer)
        for optimizer in self._others():
            key, rate = id(optimizer), _rate(optimizer)
            own_change = rate != self._rates[key]
            if own_change and self._rate:
                self._ratios[key] = rate / self._rate
            elif self._rate != before and not own_change and key in self._ratios:
                optimizer.learning_rate = self._ratios[key] * self._rate
            self._rates[key] = _rate(optimizer)

    def _others(self):
        """The other optimizers that no schedule moves, each once."""
        optimizers = {id(u.optimizer): u.optimizer for u in self.model.updates if u.optimizer is not None}
        optimizers.pop(id(self.model.optimizer), None)
        if self._rate is None:  # a schedule's: nothing changes it
            return []
        return [one for one in optimizers.values() if _rate(one) is not None]


def _rate(optimizer):
    """An optimizer's learning rate, a float; `None` where a schedule decides it."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    scheduled = isinstance(inner._learning_rate, keras.optimizers.schedules.LearningRateSchedule)
    return None if scheduled else float(keras.ops.convert_to_numpy(inner.learning_rate))


def with_shared_rates(callbacks):
    """The callbacks, each that sets learning rates followed by one that does so for all optimizers, and one behind."""
    rates = SharedRates()
    setters = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)
    ordered = []
    for callback in callbacks:
        ordered.append(callback)
        if isinstance(callback, setters):
            ordered.append(rates)
    return [*ordered, rates]
