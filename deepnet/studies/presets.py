"""Studies that come with the project, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from deepnet.data.datasets import DataConfig
from deepnet.data.scores import ESTIMATED
from deepnet.data.splits import ForgetSet
from deepnet.learning.descent import Descent
from deepnet.learning.sharpness import Sharpness, asam, sam, sgd
from deepnet.learning.training import Training
from deepnet.methods import (
    METHODS,
    AnchoredNegGrad,
    BadTeacher,
    BoundaryShrink,
    CurvatureSelection,
    FineTune,
    FisherForgetting,
    GradientAscent,
    GradientSelection,
    Influence,
    L1Sparse,
    LastLayer,
    LossFreeDampening,
    Method,
    NegGrad,
    RandomLabel,
    RandomSelection,
    RetainSAM,
    SalUn,
    Scrub,
    SelectiveDampening,
    SharpMinMax,
    Unsir,
)  # fmt: skip
from deepnet.networks.models import Architecture, ModelConfig
from deepnet.networks.precision import Precision
from deepnet.studies.study import Evaluation, Study, Unlearner
from simulate.house import checks

__all__ = ["PRESETS", "preset", "with_newcomers"]


def digits() -> Study:
    """scikit-learn's digits and a small network: the whole pipeline on a CPU.

    Learning rates and the methods' own parameters are those that `python -m deepnet search --preset digits` found;
    docs/search_digits.csv has all its trials. The radii of SAM and ASAM are those of their sources.
    """
    plain, optimizers = (sgd(),), (sgd(), sam(0.1), asam(0.5))
    train = Training(epochs=12, batch_size=64, descent=Descent(lr=0.1, schedule="cosine"))
    gentle = replace(train, epochs=5, descent=Descent(lr=0.02))

    def use(method: Method, lr: float, how: tuple[Sharpness, ...] = plain) -> Unlearner:
        epochs = gentle.epochs if method.name != "influence" else 0
        return Unlearner(method=method, sharpness=how, training=replace(gentle, epochs=epochs, descent=Descent(lr=lr)))

    return Study(
        name="digits",
        data=DataConfig(name="digits"),
        model=ModelConfig(architecture="convnet", width=8),
        forget=(ForgetSet(kind="high", fraction=0.05, scores=ESTIMATED),),
        pretrain=train,
        unlearners=(
            use(FineTune(), 0.2),
            use(GradientAscent(), 0.007),
            use(NegGrad(alpha=0.98), 0.03, optimizers),
            use(RetainSAM(alpha=0.98), 0.03, optimizers[1:]),
            use(RandomLabel(), 0.02),
            use(SalUn(fraction=0.5), 0.03),
            use(L1Sparse(gamma=5e-3), 0.03),
            use(Scrub(ascent_epochs=2), 0.1),
            use(Influence(damping=0.3), 0.01),
            use(CurvatureSelection(alpha=0.9, fraction=0.2), 0.01),
            use(SharpMinMax(alpha=0.98, fraction=0.3), 0.03, optimizers),
        ),
        evaluation=Evaluation(
            shadow=300,
            entangled=100,
            relearning=replace(gentle, epochs=5),
            curvature=256,
            landscape=128,
            landscape_points=11,
            feature_map=60,
        ),
    )


def digits_methods() -> Study:
    """Every method on scikit-learn's digits, in three minutes of two cores: memorized samples, and a class.

    Each with one optimizer: ASAM where a method is about sharpness, SGD elsewhere. Learning rates and the methods' own
    parameters are those that `python -m deepnet search --preset digits-methods` found, of one value for both forget
    sets; docs/search_digits_methods.csv has all its trials.
    """
    base, sharp = digits(), (asam(0.5),)
    like = base.unlearners[0].training

    def use(method: Method, lr: float = 0.01, how: tuple[Sharpness, ...] = (sgd(),)) -> Unlearner:
        epochs = 0 if method.name in ("influence", "ssd", "ssd-loss-free", "fisher") else like.epochs
        return Unlearner(method=method, sharpness=how, training=replace(like, epochs=epochs, descent=Descent(lr=lr)))

    return replace(
        base,
        name="digits-methods",
        forget=(*base.forget, ForgetSet(kind="class", cls=3)),
        unlearners=(
            use(FineTune(), 0.2),
            use(GradientAscent(), 0.005),
            use(NegGrad(alpha=0.95), 0.01),
            use(RetainSAM(alpha=0.98), 0.03, sharp),
            use(RandomLabel(), 0.03),
            use(SalUn(fraction=0.5), 0.03),
            use(L1Sparse(gamma=5e-3), 0.1),
            use(Scrub(ascent_epochs=1), 0.1),
            use(Influence(damping=0.3)),
            use(CurvatureSelection(alpha=0.98, fraction=0.2), 0.1),
            use(SharpMinMax(alpha=0.95, fraction=0.3), 0.01, sharp),
            use(GradientSelection(alpha=0.95, fraction=0.1), 0.03),
            use(RandomSelection(alpha=0.95, fraction=0.3), 0.03),
            use(LastLayer(alpha=0.9), 0.1),
            use(AnchoredNegGrad(alpha=0.98), 0.03),
            use(BadTeacher(part=0.6), 0.3),
            use(BoundaryShrink(step=0.2), 0.01),
            use(Unsir(impair_epochs=1), 0.1),
            use(SelectiveDampening(selection=20.0)),
            use(LossFreeDampening(selection=50.0)),
            use(FisherForgetting(alpha=3e-6)),
        ),
        evaluation=replace(base.evaluation, curvature=0, landscape=0, feature_map=0),
        seeds=(0, 1, 2),
    )


def _resnet(name: str, data: DataConfig, architecture: Architecture, epochs: int, precision: Precision) -> Study:
    """The paper's grid on a ResNet with the stem of CIFAR, on a CUDA device.

    Beside each number stands its source: [code] the released code's defaults and README; [names] the names of its
    checkpoints; [RUM] the comment in the README of the code it was made from, Zhao et al. 2024; [method] the method's
    own paper, by its class; [ours] a choice of this project, for want of any source. What is not named, such as the
    seeds and the forget set of CIFAR-10, has the default of its class [ours].
    """
    model = ModelConfig(architecture=architecture, stem="cifar")  # [code]
    train = Training(
        epochs=epochs,  # where the preset is defined
        batch_size=256,  # [names]
        descent=Descent(lr=0.1, momentum=0.9, weight_decay=5e-4, schedule="cosine"),  # [code]
        precision=precision,  # [ours]
    )
    optimizers = (sgd(), sam(0.1), asam(1.0))  # [names]
    gentle = Descent(momentum=0.9, weight_decay=5e-4, schedule="constant")  # as pretraining; schedule [ours]

    def use(method: Method, epochs: int, lr: float, how: tuple[Sharpness, ...] = optimizers) -> Unlearner:
        descent = replace(gentle, lr=lr)
        return Unlearner(method=method, sharpness=how, training=replace(train, epochs=epochs, descent=descent))

    return Study(
        name=name,
        data=data,
        model=model,
        pretrain=train,
        pretrain_sharpness=optimizers,
        unlearners=(
            use(NegGrad(alpha=0.99), 5, 0.01),  # α [code]; epochs and rate [RUM]
            use(SharpMinMax(alpha=0.99, fraction=0.3), 5, 0.01),  # as NegGrad; 30 % from a public review, see below
            use(RetainSAM(alpha=0.99), 5, 0.01, optimizers[1:]),  # as NegGrad
            use(FineTune(), 10, 0.01),  # [RUM]
            use(GradientAscent(), 5, 1e-4),  # [RUM]
            use(RandomLabel(), 10, 0.1),  # [RUM]
            use(SalUn(fraction=0.5), 10, 0.1),  # [RUM]; half of the weights [method]
            use(L1Sparse(gamma=5e-4), 10, 0.01),  # [RUM]; γ [method]
            use(Scrub(ascent_epochs=4, temperature=4.0), 5, 5e-3),  # [RUM]; β, γ [method]
            use(CurvatureSelection(alpha=0.99), 5, 0.01),  # as NegGrad; a tenth of the weights [ours]
            use(Influence(batch_size=64), 0, 0.01),  # damping and batches [ours]
        ),
        val_fraction=0.1,  # [code]
        evaluation=Evaluation(  # [ours]
            relearning=replace(train, epochs=2, descent=Descent(lr=0.01)),
            curvature=1024,
            landscape=1024,
            feature_map=500,
        ),
    )


def cifar10_resnet18() -> Study:
    """CIFAR-10 and ResNet-18, thirty epochs, which is [RUM]'s number for retraining: the wide grid."""
    data = DataConfig(name="cifar10", root="data")
    return _resnet("cifar10-resnet18", data, "resnet18", epochs=30, precision="auto")


def cifar10_resnet50() -> Study:
    """CIFAR-10 and ResNet-50. Sixty epochs are ours, so that a night of a card is enough."""
    data = DataConfig(name="cifar10", root="data")
    return _resnet("cifar10-resnet50", data, "resnet50", epochs=60, precision="auto")


def cifar100_resnet50() -> Study:
    """CIFAR-100 and ResNet-50, as in the paper: 3,000 samples to forget, by memorization score.

    200 epochs are those in the names of the released checkpoints; the number of samples follows from the decimals of
    the published table. Sharp MinMax forgets with 30 % of the weights, as a public review says of the paper.
    """
    scores = "data/cifar100_infl_matrix.npz"
    study = _resnet(
        "cifar100-resnet50", DataConfig(name="cifar100", root="data"), "resnet50", epochs=200, precision="auto"
    )
    sets = tuple(ForgetSet(kind=kind, size=3000, scores=scores) for kind in ("high", "mid", "low"))
    return replace(study, forget=sets)


def imagenet_resnet50() -> Study:
    """ImageNet and ResNet-50, as in the paper: 50,000 samples to forget, by memorization score.

    Their number follows from the decimals of the published table.

    Sharp MinMax forgets with 5 % of the weights, elsewhere with 30 %. The source is weak, a sentence in a public review
    of the paper ("5 % cutoff for ImageNet and 30 % cutoff for CIFAR-100"); of the paper itself no such number was at
    hand, and the released code has masks of 10, 30 and 50 %. Ninety epochs are torchvision's for this network, 2 % for
    validation ours. No source has the other numbers: batches, rates, decay, radii and epochs of unlearning are those of
    the CIFARs, carried over.
    """
    scores = "data/imagenet_index.npz"
    data = DataConfig(name="imagenet", root="data/imagenet")
    study = _resnet("imagenet-resnet50", data, "resnet50", epochs=90, precision="auto")
    sets = tuple(ForgetSet(kind=kind, size=50_000, scores=scores) for kind in ("high", "mid", "low"))
    return replace(
        study,
        forget=sets,
        model=ModelConfig(architecture="resnet50", stem="imagenet"),
        unlearners=tuple(_forgetting_with(one, 0.05) for one in study.unlearners),
        val_fraction=0.02,
    )


def _forgetting_with(unlearner: Unlearner, fraction: float) -> Unlearner:
    """The same, with another size of Sharp MinMax's forget part; other methods stay."""
    method = unlearner.method
    if not isinstance(method, SharpMinMax):
        return unlearner
    return replace(unlearner, method=replace(method, fraction=fraction))


PRESETS: dict[str, Callable[[], Study]] = {
    "digits": digits,
    "digits-methods": digits_methods,
    "cifar10-resnet18": cifar10_resnet18,
    "cifar10-resnet50": cifar10_resnet50,
    "cifar100-resnet50": cifar100_resnet50,
    "imagenet-resnet50": imagenet_resnet50,
}
"""Every preset by its name."""


def preset(name: str) -> Study:
    """The study of a name.

    Raises:
        ValueError: if there is none.
    """
    checks.choice("preset", name, tuple(PRESETS))
    return PRESETS[name]()


def with_newcomers(study: Study) -> Study:
    """The study, and behind its methods those that it lacks: with their own defaults and the training of NegGrad."""
    named = {one.method.name for one in study.unlearners}
    like = next((one for one in study.unlearners if one.method.name == "neggrad"), Unlearner())
    newcomers = (cls for name, cls in METHODS.items() if name not in named and cls.start == "pretrained")
    added = tuple(Unlearner(method=cls(), training=like.training) for cls in newcomers)
    return replace(study, unlearners=(*study.unlearners, *added))
