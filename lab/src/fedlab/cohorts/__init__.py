"""More than 256 clients, designed and simulated, not built: docs/cohorts.md.

A cohort of at most 256 is drawn for each round from any number of seats.

hat           who is drawn, from a seed
randao        what a withheld block is worth to somebody who wants another seed
odds          how likely a minority has the say in a cohort
seats         which seats are in the hat, and since which round
federation    the contract's rules with cohorts, in plain Python
tables        the figures of the page: python -m fedlab.cohorts docs/cohorts.md
"""
