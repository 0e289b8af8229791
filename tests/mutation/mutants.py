"""The faults: one wrong line each, and the tests that have to notice it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MUTANTS", "Mutant"]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A fault in one place of one file."""

    name: str
    """A word for reports."""
    file: str
    """Path of the source, from the root of the project."""
    text: str
    """What the source says, exactly once."""
    replacement: str
    """What the fault makes of it."""
    matters: str
    """What would be wrong."""
    tests: tuple[str, ...]
    """Names of test functions, each of which has to fail."""

    def apply(self, source: str) -> str:
        """The source with the fault.

        Raises:
            ValueError: unless the text occurs exactly once.
        """
        if source.count(self.text) != 1:
            raise ValueError(f"{self.file} must hold {self.text!r} once, but holds it {source.count(self.text)} times.")
        return source.replace(self.text, self.replacement)


MUTANTS = (
    # --- simulate: the step ------------------------------------------------------------------------------
    Mutant(
        name="radius-of-the-readable-step",
        file="simulate/dynamics/step.py",
        text="return tau / norm * b if norm > 0",
        replacement="return tau * b if norm > 0",
        matters="SAM's perturbation would have the length τ‖∇L‖, not τ: it fades as training converges.",
        tests=("test_derived_steps_are_those_of_simulate",),
    ),
    Mutant(
        name="radius-of-the-compiled-step",
        file="simulate/dynamics/kernels.py",
        text="_perturb(at, tau / norm if norm > 0.0 else 0.0, felt_products, z_perturbed)",
        replacement="_perturb(at, tau if norm > 0.0 else 0.0, felt_products, z_perturbed)",
        matters="The same in the kernel that every sweep, ledger and figure runs.",
        tests=("test_engines_agree_in_the_exact_frame_too",),
    ),
    Mutant(
        name="patches-of-the-compiled-step",
        file="simulate/dynamics/kernels.py",
        text="g[k] = slopes[i] * multiplicity / m",
        replacement="g[k] = slopes[i] / m",
        matters="Noise would be learned P - 1 times too slowly; with P = 2, the usual case, nothing shows.",
        tests=("test_engines_agree_in_the_exact_frame_too", "test_copied_patches_are_larger_noise"),
    ),
    Mutant(
        name="unit-of-zeta",
        file="simulate/problems/geometry.py",
        text="return multiplicity * coefficients[..., 1:] * self.squared_norms[1:]",
        replacement="return coefficients[..., 1:] * self.squared_norms[1:]",
        matters="ζ would be reported in another unit than the theory's bounds, and only for P > 2.",
        tests=("test_derived_steps_are_those_of_simulate",),
    ),
    Mutant(
        name="weights-of-neggrad",
        file="simulate/dynamics/objectives/neggrad.py",
        text="factors = self.alpha, self.alpha - 1.0",
        replacement="factors = 1.0 - self.alpha, -self.alpha",
        matters="α would weigh the forget set; every statement on small α would be read backwards.",
        tests=("test_derived_steps_are_those_of_simulate", "test_full_retain_weight_ignores_the_forget_set"),
    ),
    # --- simulate: laws, errors, seeds, resuming ---------------------------------------------------------
    Mutant(
        name="degrees-of-freedom-of-the-frame",
        file="simulate/problems/frame.py",
        text="freedom = problem.d - np.arange(size)",
        replacement="freedom = problem.d + 1 - np.arange(size)",
        matters="Data drawn in the frame would have the law of no dimension.",
        tests=("test_frame_has_the_law_of_the_space",),
    ),
    Mutant(
        name="weight-of-a-draw",
        file="simulate/test_error/importance.py",
        text="log_density[k] = log_add(log_density[k], on_plane - log_line)",
        replacement="log_density[k] = log_add(log_density[k], on_plane)",
        matters="Test errors would lose the closed-form part, and be of order one where they are 1e-100.",
        tests=("test_one_active_neuron_is_exact", "test_agreement_with_quadrature"),
    ),
    Mutant(
        name="mass-of-a-tilted-normal",
        file="simulate/test_error/tails.py",
        text="log_mass = level + 0.5 * slope * slope + log_normal_interval(lower - slope, upper - slope)",
        replacement="log_mass = level + slope * slope + log_normal_interval(lower - slope, upper - slope)",
        matters="Importance weights would be biased by the size of the tilt.",
        tests=("test_tilted_normal_against_quadrature", "test_the_fast_case_agrees_with_the_general_one"),
    ),
    Mutant(
        name="name-of-a-stream",
        file="simulate/problems/streams.py",
        text="np.random.SeedSequence(seed, spawn_key=key)",
        replacement="np.random.SeedSequence(seed)",
        matters="Labels, noise, weights and batches of a seed would be the same numbers.",
        tests=(
            "test_streams_of_a_seed_are_told_apart_by_their_names",
            "test_equally_large_sets_are_shuffled_each_by_itself",
            "test_phases_draw_for_themselves",
        ),
    ),
    Mutant(
        name="checksum-of-a-chunk",
        file="simulate/sweeps/chunks.py",
        text="damaged += [] if mark.read_bytes() == self._checksum(block) else [mark]",
        replacement="damaged += []",
        matters="A sweep would go on with damaged numbers.",
        tests=("test_a_chunk_of_nothing_but_missing_numbers_is_written_and_watched",),
    ),
    Mutant(
        name="mark-before-the-chunk",
        file="simulate/sweeps/chunks.py",
        text="            for name, values in _shaped(self._template, block, chunk).items():\n",
        replacement="            _replace(self._mark(block.number), b'')\n"
        "            for name, values in _shaped(self._template, block, chunk).items():\n",
        matters="A sweep killed between two files would not go on.",
        tests=("test_an_interruption_between_any_two_files_is_harmless",),
    ),
    # --- theory ------------------------------------------------------------------------------------------
    Mutant(
        name="sign-of-the-derivation",
        file="theory/formulas/derivation.py",
        text="(j, r, i): -s.eta * (s.P - 1) * s.xi_norm[i] ** 2 * slope",
        replacement="(j, r, i): s.eta * (s.P - 1) * s.xi_norm[i] ** 2 * slope",
        matters="The derived update would be ascent, and what it is held against with it.",
        tests=("test_derived_updates_are_the_stated_ones", "test_derived_steps_are_those_of_simulate"),
    ),
    Mutant(
        name="rule-of-the-verdict",
        file="simulate/house/verdicts.py",
        text="if ties.at_least(low, region.low) and ties.at_most(high, region.high):",
        replacement="if ties.at_least(high, region.low) and ties.at_most(low, region.high):",
        matters="An interval that merely touches its region would support a claim; none would be inconclusive.",
        tests=("test_examples", "test_the_verdict_says_where_the_points_lie"),
    ),
    Mutant(
        name="level-of-the-ledger",
        file="theory/statistics.py",
        text="(1.0 - level) / (2.0 * rows * self.comparisons)",
        replacement="(1.0 - level) / (2.0 * self.comparisons)",
        matters="Of 58 intervals at 95 % three would miss by chance.",
        tests=("test_quantiles_of_student", "test_a_whole_ledger_covers_at_least_as_often_as_it_says"),
    ),
    # --- deepnet -----------------------------------------------------------------------------------------
    Mutant(
        name="sign-of-sharpness",
        file="deepnet/learning/sharpness.py",
        text='return self.mixing if self.goal == "min" else -self.mixing',
        replacement="return self.mixing",
        matters="Sharpness maximisation would minimise it: Sharp MinMax without its max.",
        tests=("test_equals_the_twin", "test_closed_form_of_a_quadratic"),
    ),
    Mutant(
        name="place-of-the-mask",
        file="deepnet/learning/sharpness.py",
        text="return _masked(_mixed(first, second, sharpness), hidden), value",
        replacement="return _mixed(first, _masked(second, hidden), sharpness), value",
        matters="Hidden weights would move, as in the paper's released code.",
        tests=("test_equals_the_twin",),
    ),
    Mutant(
        name="tug-of-war-without-absolute-value",
        file="deepnet/metrics/tug_of_war.py",
        text="(1.0 - abs(retain)) * (1.0 - abs(forget)) * (1.0 - abs(test))",
        replacement="(1.0 - abs(retain)) * (1.0 - forget) * (1.0 - abs(test))",
        matters="To forget too much would count as success.",
        tests=("test_absolute_value_is_a_symmetric_fraction", "test_by_hand"),
    ),
    Mutant(
        name="direction-of-klom",
        file="deepnet/metrics/klom.py",
        text="rel_entr(p, q)",
        replacement="rel_entr(q, p)",
        matters="The divergence would be of the retrained from the unlearned models.",
        tests=("test_against_the_twin", "test_direction_is_of_the_unlearned_from_the_retrained"),
    ),
    Mutant(
        name="rank-of-memorized-samples",
        file="deepnet/data/splits.py",
        text='keys = {"high": -values,',
        replacement='keys = {"high": values,',
        matters="The most memorized forget set would be the least memorized one.",
        tests=("test_scores_are_ranked_as_by_hand",),
    ),
    Mutant(
        name="length-of-a-seed",
        file="deepnet/house/seeding.py",
        text="spawn_key=(len(words), *key)",
        replacement="spawn_key=key",
        matters="The seeds (7,) and (7, 0) would be one: a pretrained and an unlearned model would share orders.",
        tests=("test_other_seeds_give_other_orders",),
    ),
    # --- deepnet: one's own networks, their logs, and classes --------------------------------------------
    Mutant(
        name="last-layer-by-registration",
        file="deepnet/methods/last_layer.py",
        text="for layer in reversed(_called(task)):",
        replacement="for layer in reversed([one for one in task.model.modules() if isinstance(one, nn.Linear)]):",
        matters="Of a network that registers its head first, another layer would unlearn.",
        tests=(
            "test_the_order_of_registration_makes_no_difference",
            "test_fisher_noise_is_stronger_in_the_layer_that_is_called_last",
        ),
    ),
    Mutant(
        name="head-of-a-factory-by-registration",
        file="deepnet/networks/factories.py",
        text="last = _last_registered(network) if said is None or sample is None else last_linear(network, sample)",
        replacement="last = _last_registered(network)",
        matters="A network that registers its head first would be put together in another order.",
        tests=("test_the_head_is_the_layer_that_is_called_last",),
    ),
    Mutant(
        name="new-column-without-earlier-rows",
        file="deepnet/house/logs/table.py",
        text="strict=True)), *self._rows]))",
        replacement="strict=True)), row]))",
        matters="A number that comes later would wipe out the history so far.",
        tests=("test_each_row_is_in_the_file_at_once",),
    ),
    Mutant(
        name="epochs-before-an-interruption-untold",
        file="deepnet/learning/loop.py",
        text="    for done in history.epochs:\n        tell(",
        replacement="    for done in history.epochs[:0]:\n        tell(",
        matters="A training that goes on would begin its table anew, without the epochs of before.",
        tests=("test_epochs_of_before_an_interruption_are_told_once_and_in_their_order",),
    ),
    Mutant(
        name="attack-over-all-classes",
        file="deepnet/metrics/by_class/within.py",
        text="theirs[test.labels == label], max_false_positive_rate)",
        replacement="theirs, max_false_positive_rate)",
        matters="An attack would tell classes apart, and call that membership.",
        tests=("test_within_classes_each_pair_is_of_one_class", "test_a_class_that_sank_as_a_whole_is_no_membership"),
    ),
    Mutant(
        name="classes-weigh-alike",
        file="deepnet/metrics/by_class/within.py",
        text="weights=weights))",
        replacement="weights=None))",
        matters="A class of which one sample is forgotten would count as much as one of which all are.",
        tests=("test_within_classes_each_pair_is_of_one_class",),
    ),
    Mutant(
        name="partly-forgotten-class-is-whole",
        file="deepnet/metrics/by_class/accuracies.py",
        text="return tuple(np.setdiff1d(forget.labels, retain.labels).tolist())",
        replacement="return tuple(np.unique(forget.labels).tolist())",
        matters="Every forget set would be told as one of classes, and test accuracy without them be of nothing.",
        tests=("test_a_class_is_whole_if_none_of_it_is_retained",),
    ),
    Mutant(
        name="forgotten-classes-kept",
        file="deepnet/metrics/by_class/accuracies.py",
        text="for part in (~inside, inside))",
        replacement="for part in (inside, ~inside))",
        matters="Accuracy on the classes that stay would be that on those that are forgotten.",
        tests=(
            "test_accuracies_of_kept_and_forgotten_classes_by_hand",
            "test_a_report_on_forgotten_classes_tells_what_is_left",
            "test_a_study_that_forgets_a_class_has_its_columns",
        ),
    ),
)
