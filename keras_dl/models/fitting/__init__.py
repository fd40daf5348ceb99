"""The calls around the updates of a model: what `fit`, `evaluate` and `predict` check, read, choose, run and report.

`methods.py` has the three; the rest are their steps, in order: `checking`, `feeding` (with `datasets`, `stream` and
`class_weights`), `compiling` and `choosing`, `progress` and `reporting`, `execution` (with `batches` and `graphs`).
What a step computes is the business of `keras_dl.models.base`.
"""
