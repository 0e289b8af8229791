import pytest

pytest.importorskip("torch")

import deepnet  # noqa: E402


@pytest.mark.parametrize("name", deepnet.__all__)
def test_public_names_are_there(name: str) -> None:
    assert getattr(deepnet, name).__module__.startswith("deepnet") or isinstance(getattr(deepnet, name), dict)


def test_no_other_name_is() -> None:
    with pytest.raises(AttributeError, match="nothing_here"):
        deepnet.nothing_here  # noqa: B018
