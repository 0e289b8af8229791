"""The command `unlearn`. What needs torch is imported when it runs, so that its help is there at once."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from simulate.house.command_line.options import Shown
from simulate.house.files import check_files, require_file
from simulate.house.records.record import make_record
from simulate.house.terminal import console

if TYPE_CHECKING:
    import torch

    from deepnet.cli.unlearning.images import Given
    from deepnet.networks.models import Network
    from deepnet.own.result import Unlearned

__all__ = ["USUAL", "UnlearnCommand"]

USUAL = (
    "--checkpoint", "--data", "--forget", "--model", "--method", "--sharpness", "--epochs", "--lr", "--batch-size",
    "--seed", "--until", "--reference", "--test", "--root", "--image-size", "--mean", "--std", "--device", "--out",
    "--overwrite",
)  # fmt: skip
"""The options that people use."""

_NUMBERS = Shown(value="FLOAT", default="as the checkpoint or the images say")


@dataclass(frozen=True, kw_only=True)
class UnlearnCommand:
    """Let a network of your own forget, and write the network, its history and a report.

    It learned the images of a folder, with a sub-folder for each class, or a data set by name. Its checkpoint is a file
    of safetensors, or a state_dict that torch saved.
    """

    checkpoint: Path
    """The trained network: safetensors, or a state_dict in a file of torch; pickles of other things are not opened."""
    data: Annotated[str, Shown(value="DIR|NAME")]
    """What it was trained on: a folder of images, digits, cifar10, cifar100, tiny-imagenet, imagenet or
    torchvision:NAME."""
    forget: Annotated[tuple[str, ...], Shown(value="FILE|CLASS")]
    """A file of indices (text or .npy), or of images, class/file, one per line; or classes by name or number."""
    model: Annotated[str, Shown(value="NAME", default="what the checkpoint says")] = ""
    """The network: one of ours (resnet18, convnet:width=8), torchvision:NAME, timm:NAME or package.module:function."""
    method: Annotated[str, Shown(value="NAME")] = "neggrad"
    """The method of unlearning, with settings after a colon, such as sharp-minmax:alpha=0.98."""
    sharpness: Annotated[str, Shown(value="NAME")] = "sgd"
    """How its optimizer treats sharpness: sgd, sam:RADIUS or asam:RADIUS."""
    epochs: int = 5
    """Number of epochs."""
    lr: float = 0.01
    """Learning rate of SGD with momentum 0.9 and weight decay 5e-4."""
    batch_size: int = 128
    """Images of a batch."""
    seed: int = 0
    """Decides batches and new weights."""
    until: Annotated[tuple[str, ...], Shown(value="WORD", default="the last epoch")] = ()
    """When to end earlier: forget-loss or forget-accuracy, with :BOUND, or without to end at the reference's."""
    reference: Annotated[Path | None, Shown(default="none")] = None
    """Checkpoint of the same network, trained without what is to be forgotten."""
    test: Annotated[Path | None, Shown(value="DIR", default="DIR/test or DIR/val, if there")] = None
    """Folder of images to test on."""
    root: Annotated[Path | None, Shown(value="DIR")] = None
    """Folder of the files of a data set that is given by name."""
    image_size: Annotated[int | None, Shown(default="as they are")] = None
    """Side in pixels to which images are resized as squares."""
    mean: Annotated[tuple[float, ...], _NUMBERS] = ()
    """Mean of each channel that the network was trained with, pixels in [0, 1]."""
    std: Annotated[tuple[float, ...], _NUMBERS] = ()
    """Standard deviation of each channel, likewise."""
    augment: bool = True
    """Crop and flip training images, as is usual for them; digits and images of torchvision are left as they are."""
    download: bool = False
    """Let torchvision fetch its data set into the root."""
    format: Literal["safetensors", "pt", "pt2"] = "safetensors"
    """How the network is written: weights in safetensors or of torch, or a program of torch.export."""
    device: str = "auto"
    """Where to compute: cpu, cuda, cuda:1, mps, or auto for the first CUDA device if there is one."""
    precision: str = "auto"
    """Number format of products: float32, tf32, float16, bfloat16, or auto for float16 on CUDA devices only."""
    out: Path = Path("results/unlearn")
    """Folder for network, history.csv and report.json."""
    overwrite: bool = False
    """Replace other results in `--out`."""

    def __call__(self) -> int:
        """Unlearn, judge, write and print; returns the exit status."""
        from deepnet.cli.unlearning.results import Results

        results = Results(self.out, self.format, self._record())
        check_files(*results.files)
        told = results.found(overwrite=self.overwrite)
        if not told:
            made = self._made()
            if made is None:
                return 1
            told, result, report, class_names = made
            results.write(result, report, told, class_names)
        console.print(told)
        console.print("\n".join(f"Written: {path}" for path in results.files))
        return 0

    def _record(self) -> dict[str, Any]:
        """All that decides the results: what files hold, and not where they lie."""
        files = {"checkpoint": self.checkpoint, "reference": self.reference}
        settings = {name: value for name, value in vars(self).items() if name not in ("out", "overwrite", "download")}
        for name, path in files.items():
            if path is not None:
                require_file(path, f"The {name}")
                settings[name] = sha256(path.read_bytes()).hexdigest()[:16]
        rows = Path(self.forget[0]) if len(self.forget) == 1 else None
        if rows is not None and rows.is_file():
            settings["forget"] = sha256(rows.read_bytes()).hexdigest()[:16]
        return make_record("deepnet unlearn", {"settings": {name: _plain(one) for name, one in settings.items()}})

    def _made(self) -> tuple[str, Unlearned, Any, tuple[str, ...]] | None:
        """What is told of the results, and the results; nothing if training did not stay finite."""
        from deepnet.cli.unlearning.images import forget_of, given_images
        from deepnet.cli.unlearning.words import method_of, sharpness_of, until_of
        from deepnet.house.environment import find_device
        from deepnet.learning.loop import DivergenceError
        from deepnet.metrics.outputs import NotFiniteError
        from deepnet.own.evaluating import evaluate
        from deepnet.own.unlearning import unlearn

        method, sharpness, until = method_of(self.method), sharpness_of(self.sharpness), until_of(self.until)
        if until is not None and until.needs_reference and self.reference is None:
            raise ValueError("Argument `reference` must be given, since `until` asks for its loss or accuracy.")
        device = find_device(self.device)
        given = given_images(
            self.data, root=self.root, test=self.test, image_size=self.image_size, augment=self.augment,
            download=self.download, device=device,
        )  # fmt: skip
        forget = forget_of(self.forget, given)
        network, reference = self._networks(given, device)
        how: dict[str, Any] = {"device": device, "precision": self.precision, "seed": self.seed, "reference": reference}
        try:
            result = unlearn(
                network, given.train, forget, method, sharpness=sharpness, epochs=self.epochs, lr=self.lr,
                batch_size=self.batch_size, until=until, progress=True, **how,
            )  # fmt: skip
            report = evaluate(result.model, given.train, forget, test_set=given.test, **how)
        except (DivergenceError, NotFiniteError) as error:
            console.print(f"diverged, and nothing is written: {error}", style="red")
            return None
        told = "\n".join(filter(None, [result.summary(), _doubt(result, given), str(report)]))
        return told, result, report, given.class_names

    def _networks(self, given: Given, device: torch.device) -> tuple[Network, Network | None]:
        """The network, and its reference if there is one, on the device."""
        from copy import deepcopy

        from deepnet.cli.unlearning.words import model_of
        from deepnet.networks.checkpoints import fill, read_checkpoint
        from deepnet.networks.exporting import opened

        checkpoint = read_checkpoint(self.checkpoint)
        about = checkpoint.about
        _check_classes(about.get("class_names"), given.class_names)
        if not self.model and not about.get("model"):
            raise ValueError(
                f"Argument `model` must be given, since {self.checkpoint} does not say which network it is."
            )
        channels, height, width = given.train.shape
        network = opened(
            checkpoint, model_of(self.model) if self.model else "", called=("checkpoint", "model"),
            channels=channels, image_size=(height, width),
            n_classes=about.get("n_classes") or len(given.class_names),
            mean=self.mean or about.get("mean") or given.mean, std=self.std or about.get("std") or given.std,
        )  # fmt: skip
        network.to(device)
        if self.reference is None:
            return network, None
        other = deepcopy(network)
        fill(other, read_checkpoint(self.reference, "reference"), "reference")
        return network, other


def _check_classes(trained: Any, found: tuple[str, ...]) -> None:
    """Require the classes that the checkpoint says, in their order."""
    if trained and list(trained) != list(found):
        pairs = zip([*trained, None], [*found, None], strict=False)
        place, (old, new) = next((place, pair) for place, pair in enumerate(pairs) if pair[0] != pair[1])
        raise ValueError(
            f"Argument `data` must have the classes of the checkpoint, {len(trained)} of them, but class {place} is "
            f"{new!r} and not {old!r}."
        )


def _doubt(result: Unlearned, given: Given) -> str:
    """A word where the network knew nothing of what it is said to have learned."""
    before, chance = result.history[0].retain_accuracy, 1 / len(given.class_names)
    if before > 2 * chance or before > (1 + chance) / 2:
        return ""
    return (
        f"Before it began, the network was right on {100 * before:.1f} % of what it is to keep, and guessing is "
        f"{100 * chance:.1f} %: do --mean, --std, --image-size and the order of the classes fit?"
    )


def _plain(value: Any) -> Any:
    """A setting as JSON holds it."""
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value
