"""`make bench`: what one core does, measured from outside over HTTP.

The server has one core to itself; this process, with the software authenticator, the other. Every
figure of one run was measured in that run; compare ratios, since machines are noisy.
"""
