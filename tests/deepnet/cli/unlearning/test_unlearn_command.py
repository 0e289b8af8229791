"""`deepnet unlearn`: what Python does, from files to files; refused in one line with nothing written."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from deepnet import (  # noqa: E402
    DataConfig,
    Descent,
    ForgetSet,
    ModelConfig,
    Task,
    Training,
    apply,
    asam,
    build,
    classes,
    evaluate,
    export,
    load,
    load_checkpoint,
    make_split,
    open_network,
    sgd,
    unlearn,
)  # fmt: skip
from deepnet.cli import main  # noqa: E402
from deepnet.cli.unlearning import words as spoken  # noqa: E402
from deepnet.cli.unlearning.images import Given, forget_of  # noqa: E402
from deepnet.data.images import DeviceImages  # noqa: E402
from deepnet.methods import Pretrain, SharpMinMax  # noqa: E402
from deepnet.networks.checkpoints import read_checkpoint  # noqa: E402
from tests.deepnet.data.test_vision import write_mnist  # noqa: E402

NAMES = ("cat", "dog", "owl")
METHOD = ["--method", "sharp-minmax:alpha=0.9", "--sharpness", "asam:0.5", "--epochs", "2", "--lr", "0.02"]
LINE = [*METHOD, "--batch-size", "16", "--device", "cpu", "--no-augment"]


def draw_folder(root: Path, count: int, seed: int) -> Path:
    """Noisy pictures, each class bright in its own colour."""
    rng = np.random.default_rng(seed)
    for label, name in enumerate(NAMES):
        (root / name).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 150, (8, 8, 3))
            pixels[..., label] += 80
            Image.fromarray(pixels.astype(np.uint8)).save(root / name / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images, a network that has learned them, and one that never saw a class."""
    folder = tmp_path_factory.mktemp("own")
    draw_folder(folder / "images" / "train", 12, 0)
    draw_folder(folder / "images" / "test", 12, 1)
    data = load(DataConfig(name="folder", root=str(folder / "images")))
    config = ModelConfig(architecture="convnet", width=4)
    net = build(config, n_classes=3, channels=3, mean=data.mean, std=data.std, seed=0, image_size=(8, 8))
    split = make_split(data.train.labels, ForgetSet(size=3), seed=0, val_fraction=0.0)
    apply(Pretrain(), Task(net, data, split, Training(epochs=8, batch_size=12, descent=Descent(lr=0.1)), (0,), sgd()))
    export(net.eval(), folder / "net.safetensors", class_names=NAMES)
    torch.save({"state_dict": net.state_dict()}, folder / "net.pt")
    never = unlearn(net, data, classes(1), "retrain", epochs=4, lr=Descent(lr=0.1), batch_size=12)
    torch.save(never.model.state_dict(), folder / "never.pt")
    (folder / "rows.txt").write_text("# of dogs and owls\n12, 17\n30")
    (folder / "names.txt").write_text("dog/0.png\n\ndog/5.png # blurred\nowl/6.png\n")
    return folder


def line(place: Path, out: Path, *words: str, forget: str = "dog", checkpoint: str = "net.safetensors") -> list[str]:
    files = ["--checkpoint", str(place / checkpoint), "--data", str(place / "images")]
    forgotten = str(place / forget) if (place / forget).is_file() else forget
    return ["unlearn", *files, "--forget", forgotten, *LINE, "--out", str(out), *words]


def in_python(place: Path, forget: Any, **changes: Any) -> Any:
    """The same in Python: the unlearning, its images, and the settings of both."""
    from dataclasses import replace

    from deepnet.data.augment import NO_AUGMENTATION

    data = load(DataConfig(name="folder", root=str(place / "images")))
    data = replace(data, train=replace(data.train, augment=NO_AUGMENTATION))
    settings = {"sharpness": asam(0.5), "epochs": 2, "lr": 0.02, "batch_size": 16, "device": "cpu"} | changes
    net = open_network(place / "net.safetensors")
    return unlearn(net, data, forget, SharpMinMax(alpha=0.9), **settings), data


def same(path: Path, model: Any) -> bool:
    found, mine = read_checkpoint(path).tensors, model.state_dict()
    return found.keys() == mine.keys() and all(torch.equal(value, mine[name]) for name, value in found.items())


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def test_it_does_what_python_does(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(line(place, out, "--reference", str(place / "never.pt"))) == 0
    told = capsys.readouterr().out
    assert left(out) == ["history.csv", "made_by.json", "network.safetensors", "report.json"]
    result, data = in_python(place, classes(1))
    assert same(out / "network.safetensors", result.model)
    with (out / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [0, 1, 2]
    seen = ("step", "retain_loss", "forget_accuracy")
    assert [[float(row[name]) for name in seen] for row in rows] == [
        [getattr(one, name) for name in seen] for one in result.history
    ]
    assert {row["val_loss"] for row in rows} == {""}
    reference = load_checkpoint(open_network(place / "net.safetensors"), place / "never.pt")
    report = evaluate(result.model, data, classes(1), reference=reference, device="cpu")
    saved = json.loads((out / "report.json").read_text())
    assert saved["counts"] == {"retain": 24, "forget": 12, "test": 36}
    for one in report.numbers:
        found = saved["numbers"].get(one.name, {})
        assert (found.get("value"), found.get("reference"), found.get("gap")) == (one.value, one.reference, one.gap)
    assert str(report) in told
    assert told.startswith("epoch 0: retained")  # lines, where there is no terminal
    assert "Sharp MinMax with asam-0.5: 12 samples to be forgotten" in told
    about = read_checkpoint(out / "network.safetensors").about
    assert about["class_names"] == list(NAMES)
    assert about["unlearned"]["settings"]["method"] == "sharp-minmax:alpha=0.9"
    assert torch.equal(open_network(out / "network.safetensors").mean, result.model.mean)


@pytest.mark.parametrize("forget", ["rows.txt", "names.txt"])
def test_a_file_says_rows_by_number_or_by_name(forget: str, place: Path, tmp_path: Path) -> None:
    assert main(line(place, tmp_path, forget=forget)) == 0
    result, _ = in_python(place, [12, 17, 30])
    assert same(tmp_path / "network.safetensors", result.model)


def test_a_plain_state_dict_and_a_folder_of_classes(place: Path, tmp_path: Path) -> None:
    """Nothing is known of either but what is said and measured; it is the same, and sharpmu is another way there."""
    from tests.sharpmu.every_door import printed  # which needs all doors

    files = ["--checkpoint", str(place / "net.pt"), "--data", str(place / "images" / "train")]
    words = ["--forget", "1", "owl", *LINE, "--model", "convnet:width=4", "--format", "pt", "--out", str(tmp_path)]
    status, told, err = printed(["deepnet", "unlearn", *files, *words])
    assert (status, err) == (0, "")
    assert "for want of `test_set`" in told
    result, _ = in_python(place, classes(1, 2))
    assert same(tmp_path / "network.pt", result.model)


def test_results_that_are_there_are_opened_or_left_alone(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(line(place, out, "--format", "pt2")) == 0
    told, before = capsys.readouterr().out, {path: path.read_bytes() for path in out.iterdir()}
    assert main(line(place, out, "--format", "pt2")) == 0
    lines, again = [line for line in told.splitlines() if not line.startswith("epoch ")], capsys.readouterr().out
    assert again.splitlines() == lines
    assert main(line(place, out, "--format", "pt2", "--seed", "2")) == 2
    assert "settings.seed: 0 in the folder, 2 asked for" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    (out / "report.json").unlink()  # as if it had been interrupted
    assert main(line(place, out, "--format", "pt2")) == 0
    assert main(line(place, out, "--format", "pt2", "--seed", "2", "--overwrite")) == 0
    assert "seed 2" in capsys.readouterr().out
    program = torch.export.load(out / "network.pt2").module()
    assert program(torch.zeros(3, 3, 8, 8, dtype=torch.uint8)).shape == (3, 3)


def test_what_diverges_is_said_and_leaves_nothing(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line(place, tmp_path / "out", "--lr", "1e25")) == 1
    assert "diverged, and nothing is written" in capsys.readouterr().out
    assert left(tmp_path) == []


def test_a_network_that_knows_nothing_of_the_images_is_doubted(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Normalised as it was not trained, it guesses."""
    assert main(line(place, tmp_path, "--mean", "9", "9", "9", "--epochs", "0")) == 0
    before, about = (read_checkpoint(path / name).about for path, name in (
        (place, "net.safetensors"), (tmp_path, "network.safetensors"),
    ))  # fmt: skip
    assert (about["mean"], about["std"]) == ([9.0] * 3, before["std"])
    assert "do --mean, --std, --image-size and the order of the classes fit?" in capsys.readouterr().out


def test_it_stops_where_the_reference_is(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--until", "forget-accuracy", "forget-loss:9", "--reference", str(place / "never.pt"), "--epochs", "60"]
    assert main(line(place, tmp_path, *words)) == 0
    assert "ended at: forget accuracy of the reference" in capsys.readouterr().out
    assert json.loads((tmp_path / "report.json").read_text())["reached"] == "forget accuracy of the reference"


def test_digits_by_their_name(place: Path, tmp_path: Path) -> None:
    net = build(ModelConfig(architecture="convnet", width=1), n_classes=10, channels=1, mean=(0,), std=(1,), seed=0)
    path = export(net, tmp_path / "net.pt")
    words = ["--checkpoint", str(path), "--data", "digits", "--forget", "3", "--epochs", "0", "--out", str(tmp_path)]
    assert main(["unlearn", *words, "--device", "cpu"]) == 0
    counts = json.loads((tmp_path / "report.json").read_text())["counts"]
    digits = load(DataConfig(name="digits"))
    assert counts["forget"] == int((digits.train.labels == 3).sum())
    assert counts["test"] == len(digits.test)


def perceptron(*, n_classes: int, channels: int) -> torch.nn.Module:
    """A function of one's own, for images of 28 pixels a side."""
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784 * channels, n_classes))


def test_images_of_torchvision_and_a_function_of_ones_own(tmp_path: Path) -> None:
    written = write_mnist(tmp_path / "data")
    torch.save(perceptron(n_classes=10, channels=1).state_dict(), tmp_path / "net.pt")
    words = ["--checkpoint", str(tmp_path / "net.pt"), "--data", "torchvision:MNIST", "--root", str(tmp_path / "data")]
    words += ["--model", f"{__name__}:perceptron", "--method", "finetune", "--epochs", "1", "--device", "cpu"]
    assert main(["unlearn", *words, "--forget", "7", "--out", str(tmp_path / "out")]) == 0
    assert json.loads((tmp_path / "out" / "report.json").read_text())["counts"]["forget"] == 4
    about = read_checkpoint(tmp_path / "out" / "network.safetensors").about
    assert about["mean"] == pytest.approx([written["train"][0].mean() / 255], rel=1e-6)
    assert set(read_checkpoint(tmp_path / "out" / "network.safetensors").tensors) == {"1.weight", "1.bias"}


REFUSED: dict[str, tuple[list[str], str]] = {
    "no checkpoint": (["--checkpoint", "nothing.pt"], "The checkpoint nothing.pt does not exist."),
    "no folder": (["--data", "nowhere"], "Argument `--data` must be a folder of images, or one of digits, cifar10"),
    "no data set": (["--data", "torchvision:NIST", "--root", "."], "which has no 'NIST'"),
    "class": (["--forget", "dgo"], "Argument `--forget` must be a file of indices, or name classes, but is 'dgo'; the"),
    "no file": (["--forget", "rows.npy"], "The file of indices rows.npy does not exist."),
    "all": (["--forget", "cat", "dog", "owl"], "Argument `--forget` must leave a sample to retain"),
    "method": (["--method", "negrad"], "Argument `--method` must be one of ours, but is 'negrad'; the most similar"),
    "setting": (["--method", "neggrad:beta=1"], "Argument `--method` must have settings of neggrad (alpha), each as"),
    "range": (["--method", "neggrad:alpha=7"], "Argument `--method` has a setting that it must not have: `alpha` must"),
    "sharpness": (["--sharpness", "asam:-1"], "Argument `--sharpness` must be sgd, sam:RADIUS or asam:RADIUS"),
    "flat": (["--sharpness", "sgd:1"], "Argument `--sharpness` must be sgd, sam:RADIUS or asam:RADIUS"),
    "until": (["--until", "forget"], "Argument `--until` must be forget-loss or forget-accuracy"),
    "no reference": (["--until", "forget-loss"], "Argument `--reference` must be given, since `--until` asks"),
    "epochs": (["--epochs", "-1"], "Argument `--epochs` must be a whole number of at least 0"),
    "batch": (["--batch-size", "1"], "Argument `--batch-size` must be a whole number of at least 2"),
    "lr": (["--lr", "0"], "Argument `--lr` must be a positive number"),
    "precision": (["--precision", "float8"], "Argument `--precision` must be one of"),
    "device": (["--device", "abacus"], "Argument `--device` must"),
    "mean": (["--mean", "0.5"], "Argument `--mean` must have one entry a channel (3)"),
    "model": (["--model", "lenet"], "Argument `--model` must be one of convnet"),
    "no such model": (["--model", "torchvision:resnet1"], "Argument `--model` must name a network of torchvision"),
    "width": (["--model", "convnet:width=0"], "Argument `--model` has a setting that it must not have: `width` must"),
    "other": (["--model", "convnet:width=5"], "Argument `--checkpoint` must hold weights of the shapes of this"),
    "test": (["--data", "digits", "--test", "."], "Argument `--test` must be left out, since digits has images"),
    "format": (["--format", "onnx"], "Option `--format` must be safetensors, pt or pt2, but is 'onnx'."),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_is_one_line_and_leaves_nothing(
    what: str, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, told = REFUSED[what]
    given = line(place, tmp_path / "out")
    at = given.index(words[0]) if words[0] in given else len(given)
    until = next((k for k in range(at + 1, len(given)) if given[k].startswith("--")), at)
    assert main([*given[:at], *words, *given[max(until, at) :]]) == 2
    out, err = capsys.readouterr()
    assert out.strip() == ""
    assert told in err
    assert err.count("\n") == 1
    assert left(tmp_path) == []


def test_files_that_do_not_go_together_are_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = open_network(place / "net.safetensors")
    export(net, tmp_path / "other.pt", class_names=("cat", "owl", "dog"))
    torch.save({"0.weight": torch.zeros(1)}, tmp_path / "never.pt")
    (tmp_path / "names.txt").write_text("dog/0.png\ndog/99.png\n")
    cases = {
        "`--data` must have the classes of the checkpoint, 3 of them, but class 1 is 'dog' and not 'owl'.": [
            "--checkpoint", str(tmp_path / "other.pt"),
        ],
        "Argument `--model` must be given, since": ["--checkpoint", str(place / "net.pt")],
        "Argument `--reference` must hold the weights of this network": ["--reference", str(tmp_path / "never.pt")],
        'Argument `--forget` must be a file of names of training images, such as cat/0.png, but': [
            "--forget", str(tmp_path / "names.txt"),
        ],
        "must leave room for the file": ["--out", str(tmp_path / "full")],
    }  # fmt: skip
    (tmp_path / "full" / "history.csv").mkdir(parents=True)
    before = left(tmp_path)
    for told, words in cases.items():
        usual = {"--checkpoint": str(place / "net.safetensors"), "--forget": "dog", "--out": str(tmp_path / "out")}
        usual |= {"--data": str(place / "images"), words[0]: words[1]}
        assert main(["unlearn", *LINE, *(word for pair in usual.items() for word in pair)]) == 2
        assert told in capsys.readouterr().err
    assert left(tmp_path) == before


def test_its_help_does_not_wait_for_torch() -> None:
    code = "import sys; from deepnet.cli import main; main(['unlearn', '--help']); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_class_is_known_by_its_name_before_its_number() -> None:
    """Folders named 2, 9 and 10 are the classes 0, 1 and 2."""
    images = DeviceImages(torch.zeros(3, 1, 8, 8, dtype=torch.uint8), torch.arange(3))
    given = Given(images, None, ("2", "9", "10"), (0.0,), (1.0,))
    assert forget_of(["2"], given) == classes(0)
    assert forget_of(["1", "10"], given) == classes(1, 2)


def test_a_class_is_one_where_a_file_is_called_alike(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dog").write_text("0")
    Path("rows").write_text("2")
    images = DeviceImages(torch.zeros(3, 1, 8, 8, dtype=torch.uint8), torch.arange(3))
    given = Given(images, None, ("cat", "dog", "dog.v2"), (0.0,), (1.0,))
    assert [forget_of([word], given) for word in ("dog", "dog.v2")] == [classes(1), classes(2)]
    assert list(forget_of(["rows"], given)) == [2]


def test_a_package_that_is_missing_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spoken, "is_installed", lambda package: False)
    with pytest.raises(
        ValueError, match=r"`model` must be another than timm:resnet18, or the package timm be installed"
    ):
        spoken.model_of("timm:resnet18")
    assert spoken.model_of("torchvision:resnet18").name == "torchvision:resnet18"
