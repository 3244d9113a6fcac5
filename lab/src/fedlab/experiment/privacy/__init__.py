"""What privacy costs and what a reader learns: noise for a wanted epsilon, attacks of readers, and the tables of
docs/privacy.md.

membership    from the last global: was this row trained on?
which-row     from one round: which of these rows was trained on?
"""
