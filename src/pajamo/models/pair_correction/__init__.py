"""Peper's correction of a pair: the linear stack, the network, the gates, the shape of the distribution."""
