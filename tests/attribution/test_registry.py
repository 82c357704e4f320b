import subprocess
import sys

import pytest

from tfgenxai import attribution
from tfgenxai.attribution import METHODS, Method, create, method_class
from tfgenxai.errors import UsageError


@pytest.mark.parametrize("name", METHODS)
def test_every_entry_is_a_method_of_that_name(name):
    found = method_class(name)
    assert issubclass(found, Method) and found.name == name
    assert getattr(attribution, METHODS[name].cls) is found
    assert METHODS[name].cls in attribution.__all__


def test_create(encoder):
    method = create("latent_grad_cam", encoder.graph, layer="conv_1", seed=2)
    assert (method.layer_name, method.seed) == ("conv_1", 2)
    with pytest.raises(UsageError, match="saliency has no option layer"):
        create("saliency", encoder.graph, layer="conv_1")


def test_unknown_names():
    with pytest.raises(UsageError, match="'grad_cm'; try grad_cam"):
        method_class("grad_cm")
    with pytest.raises(AttributeError):
        attribution.Nothing  # noqa: B018


def test_the_registry_needs_no_tensorflow():
    code = (
        "import sys, tfgenxai.attribution as a; assert a.METHODS; "
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
