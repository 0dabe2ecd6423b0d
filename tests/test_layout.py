"""The tree keeps its shape: tests named as their modules, files short enough to read, `pid` a table of contents."""

from pathlib import Path

ROOT = Path(__file__).parents[1]

LONGEST = 300
"""Lines of a file."""

TOPICS = {
    "cli/test_cli.py": "what the commands print and write, and their exit codes",
    "cli/test_bad_input_of_commands.py": "bad input of `pidkit atoms`, gates and info",
    "arguments/test_containers.py": "numbers inside mappings, tuples and options",
    "arguments/test_law.py": "numbers, seeds, choices and flags of every public signature",
    "examples/test_side_studies.py": "the studies beside the tables of the small CIFAR example",
    "distill/objectives/test_every_objective.py": "the contract of every objective in cases.py",
    "distill/test_generations.py": "the loops of docs/howto/recipes.md: generations, peers, several students",
    "distill/recipes/test_language_recipes.py": "BERT and GPT-2 pairs with random weights",
    "distill/recipes/test_loop_recipes.py": "the loops of Accelerate and Lightning",
    "distill/recipes/test_vision_recipes.py": "ResNet, ViT and Swin pairs with random weights",
    "distill/test_own_loop.py": "objectives in a loop that is not Trainer's",
    "distill/test_theory_by_training.py": "what the papers say that training on an objective does",
    "distill/training/test_cuda.py": "training on a GPU",
    "distill/training/test_distributed.py": "training in several processes",
    "distill/training/test_killed.py": "runs that are killed and resumed",
    "distill/training/test_resume.py": "runs that are stopped and resumed",
    "examples/test_every_example.py": "examples/, run as a reader would",
    "examples/test_exact_redundancy.py": "examples/exact_redundancy.py",
    "examples/test_information_plane.py": "examples/information_plane.py",
    "examples/test_rid_cifar.py": "examples/rid_cifar.py",
    "examples/test_rid_digits.py": "examples/rid_digits.py",
    "examples/test_rid_small.py": "examples/rid/small_images.py",
    "intersection/test_dit.py": "dit as an oracle of several measures",
    "intersection/test_laws.py": "laws that all measures keep",
    "mi/neural/test_no_information.py": "critics on the pairs of no_information.py",
    "mi/neural/test_outliers.py": "one huge value, for every critic",
    "mi/test_no_information.py": "every estimator on the pairs of no_information.py",
    "mi/test_every_estimator.py": "the contract of every estimator in estimators.py",
    "pid/solvers/test_every_solver.py": "the contract of every solver in the registry",
    "quantise/test_estimator_checks.py": "scikit-learn's checks of estimators, and its tools that take transformers",
    "pid/test_awkward_families.py": "joints that are hard to solve, for every solver",
    "pid/test_fuzz.py": "random joints by the thousand",
    "pid/test_laws.py": "laws of the decomposition",
    "quantise/test_every_quantiser.py": "the contract of every quantiser in quantisers.py",
    "quantise/test_tensors.py": "tensors in every quantiser",
    "representations/test_known_layers.py": "the layers with known atoms in known_layers.py",
    "representations/table/test_dask.py": "pid_table on a dask cluster",
    "representations/table/test_ray.py": "pid_table on a ray cluster",
    "test_architecture.py": "docs/architecture.md",
    "test_bad_input.py": "one line for every bad input of the public functions",
    "test_damaged_files.py": "one verdict on damaged files of every format",
    "test_dependencies.py": "lowest.txt, constraints.txt and pyproject.toml",
    "test_import.py": "import pidkit",
    "test_layout.py": "the tree itself",
    "test_papers.py": "docs/reference/papers.md",
    "test_public_names.py": "what packages export, and the API pages",
    "test_readme.py": "the README and the pages of docs/",
    "test_two_sources.py": "doors that take two sources say so",
    "test_words.py": "one meaning a word",
}
"""Test files that belong to no module, with what they test instead. theory/ holds a statement of the papers a file."""

VAGUE = {"utils.py", "helpers.py", "common.py", "misc.py", "tools.py"}

TESTS = sorted(path.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py"))
SOURCES = [path for folder in ("pidkit", "tests", "examples", "benchmarks") for path in (ROOT / folder).rglob("*.py")]


def module_of(test: Path) -> Path | None:
    """Return the module that a test file is named after: of test_x.py, or test_x_aspect.py, the x.py of its folder."""
    words = test.stem.removeprefix("test_").split("_")
    for n in range(len(words), 0, -1):
        module = ROOT / "pidkit" / test.parent / f"{'_'.join(words[:n])}.py"
        if module.exists():
            return module
    return None


def test_test_files_are_named_as_their_modules_or_are_listed_topics() -> None:
    strangers = [
        test.as_posix()
        for test in TESTS
        if test.parts[0] != "theory" and test.as_posix() not in TOPICS and module_of(test) is None
    ]
    assert not strangers, "rename to test_<module>.py beside the module's place, or list in TOPICS"


def test_listed_topics_exist_and_belong_to_no_module() -> None:
    gone = [topic for topic in TOPICS if Path(topic) not in TESTS]
    assert not gone, "remove from TOPICS"
    owned = [topic for topic in TOPICS if module_of(Path(topic)) is not None]
    assert not owned, "remove from TOPICS"


def test_files_can_be_read_in_one_go() -> None:
    lengths = {source: len(source.read_text(encoding="utf-8").splitlines()) for source in SOURCES}
    long = {str(source.relative_to(ROOT)): n for source, n in lengths.items() if n > LONGEST}
    assert not long, "split"


def test_files_are_named_for_what_they_hold() -> None:
    assert not [source for source in SOURCES if source.name in VAGUE]


def test_pid_is_a_table_of_contents() -> None:
    folder = ROOT / "pidkit" / "pid"
    entries = {path.name for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert len(entries - {"solvers"}) <= 12, sorted(entries)


def test_no_objective_is_longer_than_150_lines() -> None:
    """A reader should find the loss between the formula and the end of the screen; what it is built of lies beside."""
    objectives = sorted((ROOT / "pidkit" / "distill" / "objectives").glob("*.py"))
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in objectives}
    assert len(lengths) > 30
    assert {name: length for name, length in lengths.items() if length > 150} == {}
