"""A text classifier forgets a class: by its head alone, for its word vectors are frozen."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepnet import evaluate, unlearn
from deepnet.methods import NegGrad

TOPICS = (
    "goal match team coach league score referee striker penalty stadium",
    "vote law senate party minister budget treaty debate election court",
    "cell gene protein enzyme virus neuron tissue membrane receptor mutant",
)
VOCABULARY = {word: number for number, word in enumerate(" ".join(TOPICS).split())}


class Classifier(nn.Module):
    """The mean of word vectors, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.EmbeddingBag(len(VOCABULARY), 16)
        self.head = nn.Linear(16, len(TOPICS))

    def forward(self, numbers: Tensor) -> Tensor:
        """Logits of texts of eight words."""
        return self.head(self.words(numbers))


rng = torch.Generator().manual_seed(0)
labels = torch.arange(300) % len(TOPICS)
numbers = torch.stack([10 * label + torch.randint(0, 10, (8,), generator=rng) for label in labels])  # eight words each

torch.manual_seed(0)
model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for _ in range(10):
    optimizer.zero_grad()
    functional.cross_entropy(model(numbers), labels).backward()
    optimizer.step()

model.words.requires_grad_(False)
result = unlearn(model, (numbers, labels), forget=1, method=NegGrad(alpha=0.7), epochs=10, lr=0.5)  # all politics
print(result.summary())
report = evaluate(result.model, (numbers, labels), forget=1)
print(report)
