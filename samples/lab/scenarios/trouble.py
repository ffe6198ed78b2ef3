"""Links that lose, repeat and reorder: the hosts make up for it, and the truth is that of a good link."""

from driver.lab import SCENARIOS, scenario
from driver.wire import bad


def over_a_bad_link(name, title, base, **how):
    good = SCENARIOS[base]

    def run(lab):
        with bad("client", **how):
            told = good.run(lab)
        told.coverage = {**told.coverage, "gap-sessions": 0, "one-sided": 0}
        told.note = f"What {base} does, over a link that is made bad by a program."
        return told

    scenario(name, f"{good.title}, over a link that {title}", good.programs)(run)


over_a_bad_link("grpc-link-loses", "loses one frame in eight, sent again by their hosts", "grpc-plaintext", seed=7, lost=0.12)
over_a_bad_link("tls12-link-reorders", "repeats and reorders frames", "tls12-long-chain", seed=8, twice=0.15, late=0.3)
over_a_bad_link("tls13-link-loses", "loses, repeats and reorders frames", "tls13-mutual", seed=9, lost=0.08, twice=0.08, late=0.2)
over_a_bad_link("redis-link-loses", "loses, repeats and reorders frames", "redis-auth", seed=10, lost=0.08, twice=0.08, late=0.2)
