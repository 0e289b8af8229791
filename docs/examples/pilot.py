"""A pilot: what does the network of a matched study learn from its images, at several learning rates?

A network that has not learned confirms nothing. This trains it on a replicate that neither a study nor a search of
learning rates uses, before days are spent on it:

    $ python docs/examples/pilot.py
    $ python docs/examples/pilot.py --preset photographs-resnet50 --images DIR --scores FILE --epochs 10
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deepnet.data.datasets import load
from deepnet.learning.sharpness import sgd
from deepnet.matched.presets import matched_preset
from deepnet.matched.replicate import Replicate, Still
from deepnet.matched.study import RESERVED
from deepnet.matched.unlearning import still_row
from deepnet.studies.stages import Execution
from deepnet.studies.store import Store

LAST = 2 * RESERVED - 1  # searches begin with RESERVED and use a few


def main(arguments: Sequence[str] | None = None) -> dict[float, float]:
    """Train at each rate, and print what was learned.

    Args:
        arguments: Those of the command line; None is what was typed.

    Returns:
        Accuracy on the retained training images by learning rate.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="digits", help="name of a matched study")
    parser.add_argument("--images", type=Path, help="folder of its images, if it needs one")
    parser.add_argument("--scores", type=Path, help="file of its scores, if it needs one")
    parser.add_argument("--epochs", type=int, default=4, help="epochs of pretraining")
    parser.add_argument(
        "--rates", type=float, nargs="+", help="its learning rates; by default the preset's, and around"
    )
    chosen = parser.parse_args(arguments)
    study = matched_preset(chosen.preset, chosen.images, chosen.scores)
    execution = Execution(channels_last=study.model.architecture != "convnet")
    images, found = load(study.data, execution.device), {}
    still = Still("pretrained", study.forget[-1].label, sgd())
    usual = study.pretrain.descent.lr
    for rate in chosen.rates or (3 * usual, usual, usual / 3):
        train = replace(study.pretrain, epochs=chosen.epochs, descent=replace(study.pretrain.descent, lr=rate))
        pilot = replace(study, pretrain=train, flatness=None)
        with tempfile.TemporaryDirectory() as folder:
            replicate = Replicate(pilot, LAST, Store(Path(folder)), execution, images)
            row = still_row(replicate, still)
        numbers = row.get("numbers", {"retain_accuracy": float("nan"), "test_accuracy": float("nan")})
        print(f"rate {rate:g}: {numbers['retain_accuracy']:.1%} of its images right, "
              f"{numbers['test_accuracy']:.1%} of the test images")  # fmt: skip
        found[rate] = float(numbers["retain_accuracy"])
    return found


if __name__ == "__main__":
    main()
