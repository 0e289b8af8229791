"""A network on a table forgets ten rows, until it knows them as little as a network that never saw them."""

import torch
from sklearn.datasets import load_wine
from torch import Tensor, nn
from torch.nn import functional

from deepnet import asam, evaluate, unlearn
from deepnet.methods import SharpMinMax


def learn(x: Tensor, y: Tensor) -> nn.Module:
    """A network that has learned these rows."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(13, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 3))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    return net


wine = load_wine()
x, y = torch.from_numpy(wine.data).float(), torch.from_numpy(wine.target)
x = (x - x.mean(0)) / x.std(0)
order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
train, test = (x[order[:128]], y[order[:128]]), (x[order[128:]], y[order[128:]])
forget = range(10)
train[1][:10] = (train[1][:10] + 1) % 3  # wrong labels, which it has learned by heart

model, retrained = learn(*train), learn(train[0][10:], train[1][10:])
result = unlearn(
    model, train, forget=forget, method=SharpMinMax(alpha=0.9), sharpness=asam(0.5), epochs=20, lr=0.02, batch_size=32,
    until="forget loss of the reference", reference=retrained,
)  # fmt: skip
print(result.summary())
report = evaluate(result.model, train, forget=forget, test_set=test, reference=retrained)
print(report)
