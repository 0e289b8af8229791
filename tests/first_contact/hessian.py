"""What a product with the Hessian of a ResNet costs; as a program, into a file of JSON, figure by figure."""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from deepnet.metrics.curvature import _hessian, _products
from deepnet.networks.models import Architecture, ModelConfig, build

__all__ = ["measure"]


def measure(out: Path, device: torch.device, architecture: Architecture, images: int, side: int) -> None:
    """Seconds of a product, over two batches, kept in `out` as they come.

    Args:
        out: The file.
        device: Where the network is.
        architecture: Which network, with the stem of CIFAR.
        images: Images of each of two batches.
        side: Their side in pixels.
    """
    found: dict[str, float | str] = {"device": str(device), "architecture": architecture, "images": 2 * images}
    config = ModelConfig(architecture=architecture, stem="cifar")
    net = build(config, n_classes=10, channels=3, mean=(0.5,) * 3, std=(0.25,) * 3, seed=0).to(device)
    source = torch.Generator().manual_seed(0)
    batches = [
        (torch.randint(0, 256, (images, 3, side, side), dtype=torch.uint8, generator=source).to(device),
         torch.randint(0, 10, (images,), generator=source).to(device))
        for _ in range(2)
    ]  # fmt: skip
    with _hessian(net, batches) as hessian:
        _keep(found, out, "the first product, s", _spent(lambda: list(_products(hessian, 1, 0)), device))
        _keep(found, out, "a product, s", _spent(lambda: list(_products(hessian, 3, 1)), device) / 3)
        if device.type == "cuda":
            _keep(found, out, "memory, GiB", torch.cuda.max_memory_allocated() / 2**30)
        through, vector = hessian.to_scipy(np.float64), np.ones(hessian.shape[1])
        _keep(found, out, "a product through scipy, s", _spent(lambda: through @ vector, device))


def _spent(work: object, device: torch.device) -> float:
    began = time.perf_counter()
    work()  # type: ignore[operator]
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began


def _keep(found: dict[str, float | str], out: Path, name: str, value: float) -> None:
    found[name] = round(value, 4)
    print(f"{name}: {value:.4f}", flush=True)
    partial = out.with_suffix(".partial")
    partial.write_text(json.dumps(found), encoding="utf-8")
    partial.replace(out)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    place, where, which, count, pixels = sys.argv[1:]
    measure(Path(place), torch.device(where), which, int(count), int(pixels))  # type: ignore[arg-type]
