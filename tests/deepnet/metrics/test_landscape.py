"""Planes through the weights: shared directions, a loss that is evaluated where it says, and weights that come back."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from deepnet.metrics.landscape import Directions, Landscape, directions, draw_pair, landscape  # noqa: E402
from deepnet.networks.models import ModelConfig, Network, build  # noqa: E402

Batches = list[tuple[Tensor, Tensor]]


def convnet(seed: int) -> Network:
    return build(
        ModelConfig(architecture="convnet", width=2), n_classes=3, channels=1, mean=[0.4], std=[0.3], seed=seed
    )


def data(n: int = 11, cut: int = 5) -> Batches:
    """Samples in batches of unequal size."""
    source = torch.Generator().manual_seed(2)
    images = torch.randint(0, 256, (n, 1, 6, 6), generator=source, dtype=torch.uint8)
    labels = torch.randint(0, 3, (n,), generator=source)
    return list(zip(images.split(cut), labels.split(cut), strict=True))


def plain_loss(model: nn.Module, batches: Batches) -> float:
    images, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
    with torch.no_grad():
        return float(functional.cross_entropy(model(images).double(), labels))


def linear() -> tuple[nn.Linear, Batches]:
    source = torch.Generator().manual_seed(3)
    model = nn.Linear(4, 3, dtype=torch.float64)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=source, dtype=torch.float64))
    images = torch.randn(9, 4, generator=source, dtype=torch.float64)
    labels = torch.randint(0, 3, (9,), generator=source)
    return model, list(zip(images.split(4), labels.split(4), strict=True))


def surface(loss: np.ndarray) -> Landscape:
    axis = np.linspace(-1, 1, 5)
    return Landscape(a=axis, b=axis, loss=loss)


def bowl(steepness: float = 1.0) -> Landscape:
    """L = 2 + s (a² + b²) on the grid -1, -1/2, 0, 1/2, 1."""
    axis = np.linspace(-1, 1, 5)
    return surface(2 + steepness * (axis[:, None] ** 2 + axis[None, :] ** 2))


class TestDirections:
    def test_models_of_one_architecture_share_the_same_directions(self):
        reference = convnet(0)
        pairs = [directions(convnet(seed), 42, reference=reference) for seed in (1, 2)]
        for name in pairs[0].first:
            assert torch.equal(pairs[0].first[name], pairs[1].first[name])
            assert torch.equal(pairs[0].second[name], pairs[1].second[name])

    def test_without_a_reference_only_the_scale_of_filters_differs(self):
        one, other = (directions(convnet(seed), 42) for seed in (1, 2))
        for name, values in one.first.items():
            if values.ndim >= 2:
                unit, other_unit = (functional.normalize(v.flatten(1), dim=1) for v in (values, other.first[name]))
                torch.testing.assert_close(unit, other_unit)
                assert not torch.equal(values, other.first[name])

    def test_each_filter_is_as_long_as_that_of_the_reference(self):
        reference = convnet(3)
        pair = directions(convnet(1), 0, reference=reference)
        for direction in (pair.first, pair.second):
            for name, weight in reference.named_parameters():
                if weight.ndim >= 2:
                    lengths = [float(filter.norm()) for filter in weight.detach()]
                    assert [float(filter.norm()) for filter in direction[name]] == pytest.approx(lengths, rel=1e-5)
                else:
                    assert not direction[name].any()

    def test_a_filter_of_zeros_does_not_move(self):
        model = convnet(0)
        with torch.no_grad():
            model.head.weight[1] = 0
        pair = directions(model, 0)
        assert not pair.first["head.weight"][1].any()
        assert pair.first["head.weight"][[0, 2]].all()

    def test_they_have_the_type_of_the_model(self):
        model = convnet(0).double()
        for name, values in directions(model, 0).second.items():
            assert values.dtype == torch.float64
            assert values.shape == model.get_parameter(name).shape

    def test_before_scaling_the_pair_is_orthogonal_over_all_weights_together(self):
        shapes = {"a": (4, 3, 3, 3), "a.bias": (4,), "b": (2, 4)}
        first, second = draw_pair(shapes, 5)
        flat, other = (torch.cat([v.flatten() for v in direction.values()]) for direction in (first, second))
        assert abs(float(flat @ other)) < 1e-12 * float(flat.norm() * other.norm())
        assert abs(float((first["b"] * second["b"]).sum())) > 1e-3
        assert not first["a.bias"].any()

    def test_entries_are_standard_normal(self):
        first, second = draw_pair({"w": (100, 200)}, 0)
        for values in (first["w"], second["w"]):
            assert abs(float(values.mean())) < 4 / 20_000**0.5
            assert float(values.var()) == pytest.approx(1, abs=4 * (2 / 20_000) ** 0.5)

    def test_a_direction_depends_on_seed_name_and_shape_alone(self):
        torch.manual_seed(0)
        alone = draw_pair({"w": (3, 4)}, 1)[0]
        torch.manual_seed(1)
        beside = draw_pair({"v": (2, 2), "w": (3, 4)}, 1)[0]
        assert torch.equal(alone["w"], beside["w"])
        assert not torch.equal(alone["w"], draw_pair({"w": (3, 4)}, 2)[0]["w"])
        assert not torch.equal(alone["w"], draw_pair({"u": (3, 4)}, 1)[0]["u"])

    def test_the_global_generators_stay(self):
        before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
        directions(convnet(0), 3)
        assert torch.equal(torch.get_rng_state(), before[0])
        assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002

    def test_a_reference_of_another_shape_is_refused(self):
        with pytest.raises(ValueError, match=r"`reference` must .* at weight it has shape \(3, 5\)"):
            directions(nn.Linear(4, 3), 0, reference=nn.Linear(5, 3))

    def test_a_bad_seed_is_refused(self):
        with pytest.raises(ValueError, match="`seed`"):
            directions(nn.Linear(4, 3), -1)


class TestGrid:
    def test_a_linear_model_is_evaluated_at_each_point_of_the_plane(self):
        model, batches = linear()
        pair = directions(model, 0)
        found = landscape(model, pair, batches, extent=1.5, points=5)
        assert found.a.tolist() == found.b.tolist() == [-1.5, -0.75, 0.0, 0.75, 1.5]
        images, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
        for i, a in enumerate(found.a):
            for j, b in enumerate(found.b):
                weight = model.weight.detach() + a * pair.first["weight"] + b * pair.second["weight"]
                scores = (images @ weight.T + model.bias.detach()).log_softmax(1)
                wanted = -float(scores[torch.arange(len(labels)), labels].mean())
                assert found.loss[i, j] == pytest.approx(wanted, rel=1e-12)

    def test_near_the_centre_the_surface_is_the_quadratic_of_the_hessian(self):
        model, batches = linear()
        pair = directions(model, 0)
        h = 1e-3
        found = landscape(model, pair, batches, extent=h, points=3).loss
        images, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
        p = model(images).softmax(1).detach()
        along, across = (images @ d["weight"].T for d in (pair.first, pair.second))

        def covariance(u: Tensor, v: Tensor) -> float:
            return float(((p * u * v).sum(1) - (p * u).sum(1) * (p * v).sum(1)).mean())

        assert (found[2, 1] - 2 * found[1, 1] + found[0, 1]) / h**2 == pytest.approx(covariance(along, along), rel=1e-4)
        mixed = (found[2, 2] - found[2, 0] - found[0, 2] + found[0, 0]) / (4 * h**2)
        assert mixed == pytest.approx(covariance(along, across), rel=1e-4)
        rows = torch.arange(len(labels))
        slope = float(((p * across).sum(1) - across[rows, labels]).mean())
        assert (found[1, 2] - found[1, 0]) / (2 * h) == pytest.approx(slope, rel=1e-4)

    @pytest.mark.parametrize("extent", [1.0, 0.3, 1e-7])
    def test_the_centre_is_the_loss_of_the_model(self, extent):
        model, batches = convnet(0).eval(), data()
        found = landscape(model, directions(model, 0), batches, extent=extent, points=5)
        assert found.a[2] == found.b[2] == 0
        assert found.centre == found.loss[2, 2] == pytest.approx(plain_loss(model, batches), rel=1e-6)
        exact = landscape(model, directions(model, 9), batches, points=3)
        assert exact.centre == found.centre

    def test_how_samples_are_cut_into_batches_does_not_matter(self):
        model = convnet(0)
        pair = directions(model, 0)
        cut, whole = (landscape(model, pair, data(cut=cut), points=3).loss for cut in (3, 11))
        assert cut == pytest.approx(whole, rel=1e-5)

    def test_the_loss_is_that_of_evaluation_mode_with_running_statistics(self):
        model, batches = convnet(0), data()
        pair = directions(model, 0)
        model.train()
        next(layer for layer in model.modules() if isinstance(layer, nn.BatchNorm2d)).eval()
        modes = [layer.training for layer in model.modules()]
        state = {name: values.clone() for name, values in model.state_dict().items()}
        in_training = landscape(model, pair, batches, points=3)
        assert [layer.training for layer in model.modules()] == modes
        assert all(torch.equal(values, state[name]) for name, values in model.state_dict().items())
        in_evaluation = landscape(model.eval(), pair, batches, points=3)
        assert np.array_equal(in_training.loss, in_evaluation.loss)

    @pytest.mark.parametrize("fails", [False, True])
    def test_the_weights_come_back_to_the_bit(self, fails):
        model = convnet(0).train()
        batches = data()
        with torch.no_grad():
            model.head.bias[0] = -0.0
            model.head.weight[0, 0] = 1e-42  # a subnormal number
        before = {name: weight.detach().numpy().tobytes() for name, weight in model.named_parameters()}
        pair = directions(model, 0)
        calls = []

        def count(*_: object) -> None:
            calls.append(None)
            if fails and len(calls) == 8:
                raise ArithmeticError("eighth call")

        handle = model.register_forward_hook(count)
        if fails:
            with pytest.raises(ArithmeticError, match="eighth call"):
                landscape(model, pair, batches, points=5)
        else:
            landscape(model, pair, batches, points=5)
        handle.remove()
        assert len(calls) == (8 if fails else 1 + 75)  # the first tells how many classes there are
        assert {name: weight.detach().numpy().tobytes() for name, weight in model.named_parameters()} == before
        assert model.training

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"points": 4}, "`points` must be odd, but is 4"),
            ({"points": 1}, "`points`"),
            ({"extent": 0.0}, "`extent`"),
            ({"extent": float("inf")}, "`extent`"),
            ({"batches": []}, "`batches`"),
            ({"directions": Directions(first={}, second={})}, "`directions` must .* at weight it has shape None"),
        ],
    )
    def test_bad_arguments_are_named(self, change, message):
        model, batches = linear()
        with pytest.raises(ValueError, match=message):
            landscape(model, **{"directions": directions(model, 0), "batches": batches, **change})

    def test_directions_of_more_parameters_are_refused(self):
        model, batches = linear()
        pair = directions(model, 0)
        more = Directions(first=pair.first, second={**pair.second, "extra": torch.zeros(2)})
        with pytest.raises(ValueError, match=r"at extra it has shape \(2,\) and the model None"):
            landscape(model, more, batches)

    def test_a_diverged_model_is_refused_and_left_as_it_was(self):
        model, batches = linear()
        pair = directions(model, 0)
        with torch.no_grad():
            model.bias[0] = float("nan")
        with pytest.raises(ValueError, match="`loss` must be finite"):
            landscape(model, pair, batches, points=3)
        assert torch.equal(model.bias.isnan(), torch.tensor([True, False, False]))


class TestSummaries:
    def test_the_rise_of_a_bowl_is_the_mean_squared_distance(self):
        # Inside 1/2: four points at 1/4. Inside 1: besides them four at 1/2 (the diagonal) and four at 1.
        assert bowl().rise(0.5) == pytest.approx(0.25)
        assert bowl().rise(1.0) == pytest.approx((4 * 0.25 + 4 * 0.5 + 4 * 1.0) / 12)

    def test_the_rise_tells_how_steep_a_surface_is_and_the_basin_ratio_does_not(self):
        assert bowl(100).rise(0.5) == pytest.approx(100 * bowl().rise(0.5))
        assert bowl(100).basin_ratio == bowl().basin_ratio

    def test_the_rise_is_negative_at_a_maximum(self):
        assert bowl(-1).rise(1.0) < 0

    def test_points_on_the_circle_count_however_they_are_rounded(self):
        axis = 0.3 * np.arange(-3, 4) / 3
        found = Landscape(a=axis, b=axis, loss=axis[:, None] ** 2 + axis[None, :] ** 2)
        assert found.rise(0.2) == pytest.approx((4 * 0.01 + 4 * 0.02 + 4 * 0.04) / 12)
        assert found.rise(0.3) > found.rise(0.2)

    def test_the_basin_ratio_of_a_surface_made_by_hand(self):
        loss = np.zeros((5, 5))
        loss[0, 0], loss[4, 4] = 10.0, -10.0  # std = (200/25)^(1/2) = 2.83: within 1.41 of 0 are 23 and the next
        loss[0, 4], loss[4, 0] = 1.3, 1.7  # (these hardly change it: 2.85), one of them
        assert surface(loss).loss.std() / 2 == pytest.approx(1.43, abs=0.02)
        assert surface(loss).basin_ratio == pytest.approx(22 / 25)

    def test_a_flat_surface_is_all_basin(self):
        assert surface(np.full((5, 5), 0.7)).basin_ratio == 1
        assert surface(np.full((5, 5), 0.7)).rise(1.0) == 0

    @pytest.mark.parametrize(
        ("radius", "message"),
        [(0.0, "`radius`"), (1.1, "at most 1"), (0.4, "at least 0.5"), (float("nan"), "`radius`")],
    )
    def test_a_radius_off_the_grid_is_refused(self, radius, message):
        with pytest.raises(ValueError, match=message):
            bowl().rise(radius)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"a": np.linspace(-1, 1, 4)}, "`a` must be an odd number"),
            ({"b": np.linspace(0, 1, 5)}, "`b` must be an odd number"),
            ({"a": np.linspace(1, -1, 5)}, "`a` must be an odd number"),
            ({"a": np.zeros(1)}, "`a` must be an odd number"),
            ({"loss": np.zeros((5, 3))}, r"`loss` must have shape \(5, 5\)"),
            ({"loss": np.full((5, 5), np.nan)}, "`loss` must be finite"),
        ],
    )
    def test_a_malformed_landscape_is_refused(self, change, message):
        axis = np.linspace(-1, 1, 5)
        with pytest.raises(ValueError, match=message):
            Landscape(**{"a": axis, "b": axis, "loss": np.zeros((5, 5)), **change})
