"""The `tfgenxai` command: parse, call, print. Heavy imports stay inside the commands."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from tfgenxai.commands.attack import add_attack_command
from tfgenxai.commands.attention import add_attention_command
from tfgenxai.commands.compare import add_compare_command
from tfgenxai.commands.directions import add_directions_command
from tfgenxai.commands.disentangle import add_disentangle_command
from tfgenxai.commands.explain import add_explain_command, add_methods_command
from tfgenxai.commands.latents import add_latents_command
from tfgenxai.commands.log import add_log_command
from tfgenxai.commands.neurons import add_neurons_command
from tfgenxai.commands.saved import add_inspect_command, add_models_command
from tfgenxai.commands.shared import Parser
from tfgenxai.commands.training import add_data_command, add_evaluate_command, add_train_command
from tfgenxai.commands.write import add_write_command
from tfgenxai.errors import TfgenxaiError
from tfgenxai.quiet import import_tensorflow

EPILOG = """\
examples:
  tfgenxai models                                   what ships with the project
  tfgenxai compare vae-gan                          the VAE-against-GAN report, in minutes
  tfgenxai compare all                              every comparison, summed up on one page
  tfgenxai explain saliency cvae --target latent:3  which pixels move a latent coordinate
  tfgenxai latents dcgan                            the codes of a model, seen and measured
  tfgenxai neurons classifier --layer conv_1        which neurons carry which digit
  tfgenxai attack classifier --attack pgd           images that it takes for something else
  tfgenxai attention sagan                          where each pixel takes from, and its worth
  tfgenxai disentangle conv-vae-faces               do latents stand for single factors?
  tfgenxai directions dcgan --method sefa           lines through a code space, and what they change
  tfgenxai write 2021 --style-seed 7                a word in a hand, and what is read in it
  tfgenxai log                                      all models in TensorBoard
  tfgenxai methods                                  what else can explain
  tfgenxai train cvae --epochs 10 --out runs        train, export, measure
  tfgenxai train cvae --epochs 10 --out runs --resume    go on after an interruption
  tfgenxai inspect runs/cvae                        signatures and layers of any SavedModel
`tfgenxai COMMAND --help` explains each command.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0, 1 for a failure, 2 for a usage error."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what fails is raised too
    try:
        words = list(sys.argv[1:] if argv is None else argv)
        args = build_parser().parse_args(words, argparse.Namespace(words=words))
        if args.tensorflow:
            import_tensorflow()
        args.run(args)
        sys.stdout.flush()
    except TfgenxaiError as error:
        print(f"tfgenxai: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("tfgenxai: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # a full disk, a folder that cannot be written
        print(f"tfgenxai: {error}", file=sys.stderr)
        return 1
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = Parser(
        prog="tfgenxai",
        description="Train, export and explain generative image models in TensorFlow.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    add_data_command(commands)
    add_train_command(commands)
    add_evaluate_command(commands)
    add_models_command(commands)
    add_inspect_command(commands)
    add_methods_command(commands)
    add_explain_command(commands)
    add_latents_command(commands)
    add_neurons_command(commands)
    add_attention_command(commands)
    add_attack_command(commands)
    add_disentangle_command(commands)
    add_directions_command(commands)
    add_write_command(commands)
    add_compare_command(commands)
    add_log_command(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
