"""Theory on real numbers: small computations, each with a picture and closed forms beside what is measured.

A note is a module with `measure()`, which returns a dict of pairs (measured, closed form) by what they are of, and
`draw(figure)`, which draws on a figure of matplotlib. They train nothing with epochs or data sets, so they are no
recipes.
"""
