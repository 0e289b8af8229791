"""The head of a ResNet forgets eight pictures of a class; its body is frozen, and stays to the bit."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock, ResNet

from deepnet import evaluate, unlearn
from deepnet.methods import NegGrad

digits = load_digits()
images = torch.from_numpy(digits.images[:200]).float()[:, None] / 8 - 1
x = functional.interpolate(images, size=32).expand(-1, 3, -1, -1).contiguous()
y = torch.from_numpy(digits.target[:200])
forget = (y == 3).nonzero().flatten()[:8]

torch.manual_seed(0)
model = ResNet(BasicBlock, [1, 1, 1, 1])  # a resnet18 with the weights of ImageNet knows more, and takes longer
model.layer3 = model.layer4 = nn.Identity()
model.requires_grad_(False)
model.fc = nn.Linear(128, 10)
body = {name: value.clone() for name, value in model.state_dict().items() if not name.startswith("fc.")}
with torch.no_grad():
    features = nn.Sequential(*list(model.children())[:-1]).eval()(x).flatten(1)
optimizer = torch.optim.Adam(model.fc.parameters(), lr=0.01)
for _ in range(150):
    optimizer.zero_grad()
    functional.cross_entropy(model.fc(features), y).backward()
    optimizer.step()

result = unlearn(model, (x, y), forget=forget, method=NegGrad(alpha=0.7), epochs=3, lr=0.05, batch_size=64)
print(result.summary())
report = evaluate(result.model, (x, y), forget=forget)
print(report)
same = all(torch.equal(value, result.model.state_dict()[name]) for name, value in body.items())
print(f"The body is what it was, to the bit: {same}")
