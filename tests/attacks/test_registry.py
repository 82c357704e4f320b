"""The registry, and that it is light."""

import pytest

from tfgenxai import attacks
from tfgenxai.errors import UsageError


def test_every_attack_is_found_under_its_name():
    for name, entry in attacks.ATTACKS.items():
        assert getattr(attacks, entry.cls).name == name
        assert entry.on in ("classifier", "vae")
    for name in attacks.__all__:
        assert getattr(attacks, name)
    with pytest.raises(AttributeError, match="no attribute 'Fgsm'"):
        _ = attacks.Fgsm


def test_create(linear):
    made = attacks.create("pgd", linear.graph, eps=0.2, seed=7)
    assert made.settings()["eps"] == 0.2 and made.settings()["seed"] == 7
    with pytest.raises(UsageError, match="No attack is called 'deepfol'; try deepfool"):
        attacks.create("deepfol", linear.graph)
    with pytest.raises(UsageError, match="fgsm has no option steps; it has eps, norm, seed"):
        attacks.create("fgsm", linear.graph, steps=3)


def test_importing_loads_no_attack(run_python):
    code = "import sys, tfgenxai.attacks as a; a.ATTACKS; print('tensorflow' in sys.modules)"
    assert run_python("-c", code).stdout.strip() == "False"
