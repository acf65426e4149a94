"""`vitlab attacks`: what the sandbox must stop, and what it must let pass, tried at every level of this machine.

The data are in tests/attacks and tests/honest. Needs no network; everything hostile runs in the sandbox only.
"""
