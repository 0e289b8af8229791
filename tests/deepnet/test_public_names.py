import pytest

pytest.importorskip("torch")

import deepnet


@pytest.mark.parametrize("name", deepnet.__all__)
def test_public_names_are_there(name: str) -> None:
    value = getattr(deepnet, name)
    assert isinstance(value, dict) or value.__module__.startswith("deepnet.")


def test_no_other_name_is() -> None:
    with pytest.raises(AttributeError, match="nothing_here"):
        deepnet.nothing_here  # noqa: B018
