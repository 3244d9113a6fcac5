"""What a sponsor does with a federation on a chain: plan, deploy, fund, choose members, look, close.

`fednode federation …` and the brownie scripts are the same commands: both describe the chain, the account and the
folders by a `Network`, and everything else is here.
"""
