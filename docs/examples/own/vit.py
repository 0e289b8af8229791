"""torchvision's vision transformer forgets pictures."""

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import VisionTransformer

from deepnet import asam, evaluate, unlearn
from deepnet.methods import SharpMinMax


def learn(net: nn.Module, x: Tensor, y: Tensor) -> nn.Module:
    """Train a network, as one does."""
    optimizer = torch.optim.Adam(net.parameters(), lr=0.005)
    for _ in range(25):
        for rows in torch.arange(len(y)).split(32):
            optimizer.zero_grad()
            functional.cross_entropy(net(x[rows]), y[rows]).backward()
            optimizer.step()
    return net


def network() -> nn.Module:
    """A network that has learned nothing yet."""
    torch.manual_seed(0)
    return VisionTransformer(
        image_size=16, patch_size=4, num_layers=2, num_heads=2, hidden_dim=32, mlp_dim=64, num_classes=10
    )


digits = load_digits()
images = torch.from_numpy(digits.images[:300]).float()[:, None] / 8 - 1
x = functional.interpolate(images, size=16).expand(-1, 3, -1, -1).contiguous()
y = torch.from_numpy(digits.target[:300])
y[[17, 23, 47]] = (y[[17, 23, 47]] + 1) % 10  # wrong labels
train, test = (x[:200], y[:200]), (x[200:], y[200:])
forget = [17, 23, 47, 81, 90, 112, 130, 143, 155, 160, 177, 192]
kept = [row for row in range(200) if row not in forget]

model, retrained = learn(network(), *train), learn(network(), x[kept], y[kept])
result = unlearn(
    model, train, forget=forget, method=SharpMinMax(alpha=0.9), sharpness=asam(0.5), epochs=10, lr=0.005, batch_size=64,
    until="forget loss of the reference", reference=retrained,
)  # fmt: skip
print(result.summary())
report = evaluate(result.model, train, forget=forget, test_set=test, reference=retrained)
print(report)
