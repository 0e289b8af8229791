"""A fair verdict on two methods: both forget as far as a retrained network has, in pairs, by a rule set before."""

import torch
from torch import nn

from deepnet import Evaluation, evaluate, unlearn
from deepnet.methods import NegGrad
from theory.ledger import Region, decide
from theory.statistics import from_replicates

# All of this is fixed before anything is run: the rivals, each at a learning rate that was found for it on other seeds;
# what is claimed; and a null experiment, in which nothing may be seen.
MINE, THEIRS = (NegGrad(alpha=0.5), 0.03), (NegGrad(alpha=0.9), 0.1)
BETTER, SAME = Region(low=0.0), Region.around(0.0, 0.03)
REPLICATES = 6
MEASURE = Evaluation(shadow=0, relearning=None)  # no attacks, which take longer


def drawn(rng: torch.Generator, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """New samples of four classes that overlap; your data takes this place."""
    y = torch.randint(4, (count,), generator=rng)
    return torch.randn(count, 20, generator=rng) + 2 * nn.functional.one_hot(y, 20), y


def learned(x: torch.Tensor, y: torch.Tensor, seed: int) -> nn.Module:
    """A trained network; yours takes this place."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(80):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    return net


def replicate(seed: int) -> tuple[float, float]:
    """Tug of war of mine less theirs, and of theirs less itself with other batches, on samples of their own."""
    rng = torch.Generator().manual_seed(seed)
    (x, y), test, forget = drawn(rng, 200), drawn(rng, 1000), torch.arange(10)
    net, reference = learned(x, y, seed), learned(x[10:], y[10:], seed)

    def tow(method: NegGrad, lr: float, batches: int) -> float:
        result = unlearn(
            net, (x, y), forget, method, epochs=60, lr=lr, batch_size=64, seed=batches, probe=1, progress=False,
            until="forget loss of the reference", reference=reference,
        )  # fmt: skip
        if result.reached is None:
            raise SystemExit(f"{method} never got to the match, which is a finding, too.")
        report = evaluate(result.model, (x, y), forget, test_set=test, reference=reference, measure=MEASURE)
        return float(report["tow"] or 0.0)

    theirs = tow(*THEIRS, seed)
    return tow(*MINE, seed) - theirs, tow(*THEIRS, seed + 1000) - theirs


def main() -> None:
    """Judge, and print the verdicts."""
    torch.set_num_threads(1)  # faster for layers as small as these
    pairs = list(zip(*map(replicate, range(REPLICATES)), strict=True))
    for words, values, region in zip(("mine, less theirs", "theirs, less itself"), pairs, (BETTER, SAME), strict=True):
        found = from_replicates(values)
        low, high = found.interval()
        print(f"{words}: {found.value:.3f} [{low:.3f}, {high:.3f}], {decide((low, high), region).value}")


if __name__ == "__main__":
    main()
