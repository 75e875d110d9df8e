"""The fault drill: phones storm a real stack while it is being broken, and a checker decides afterwards.

seed, stack, validator_process, leash: what is drilled, real servers and validators as processes of their own.
plan, line, phones: who drills it, with errands made from a seed and sent over lines that get cut.
faults, tampering, planted: what is broken on purpose; the world, and the code, to prove the checker.
history, evidence, healing, record, checker: what was sent and told, what the tables say, whether they agree.
drill: one drill from orders to report. `python -m loadtests.drill` runs one by hand.
"""
