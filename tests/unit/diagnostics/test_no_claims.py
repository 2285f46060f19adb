"""No sentence of the package claims that parallel trends hold."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

import medalliance as ma
from medalliance.errors import DesignError
from medalliance.paths import book_dir
from medalliance.results.few_clusters import choose_by_clusters

CLAIM = re.compile(
    r"(parallel[- ]trends?( assumption)?|pre-?trends?|assumption)\W+"
    r"(\w+\W+){0,3}?(hold|holds|held|satisfied|supported|confirmed|verified|valid|plausible|met|"
    r"credible|accepted|passes|passed)\b"
    r"|(trends?|paths?) (are|is|were) (indeed )?parallel"
    r"|(accept|confirm|verif|support)\w* (the |that )?(null|parallel)"
    r"|no (evidence of|sign of|significant) (pre-?trend|violation)",
    re.IGNORECASE,
)
CAUSAL = re.compile(r"\b(proves?|proven|demonstrates? that)\b", re.IGNORECASE)
CONDITION = re.compile(
    r"\b(no test|suppose|under|if|when|even if|whether|fails|assumes)\b", re.IGNORECASE
)


def texts_of_tests(event_study):
    rng = np.random.default_rng(0)
    for scale in (0.0, 0.5, 3.0):
        beta = np.r_[scale * rng.normal(size=3), 1 + rng.normal(size=2)]
        effects = event_study([-4, -3, -2, 0, 1], beta, 0.2 + 0.8 * np.eye(5))
        yield ma.pretrend_test(effects).reading
        yield ma.honest_did(effects, relative_magnitude=(1,), smoothness=(0,)).reading
        yield effects.describe()
        yield effects.design.foot()
    for clusters in (3, 8, 20, 60):
        for treated in range(1, clusters + 1, 3):
            for regression in (True, False):
                yield choose_by_clusters(clusters, treated, regression=regression).words


def test_generated_texts_claim_nothing(event_study):
    texts = list(texts_of_tests(event_study))
    assert len(texts) > 40
    for text in texts:
        assert not CLAIM.search(text), text
        assert not CAUSAL.search(text), text


@pytest.mark.parametrize(
    "sentence",
    [
        "Parallel trends hold.",
        "The parallel trends assumption is therefore satisfied.",
        "Pre-trends are met.",
        "The trends are parallel.",
        "This confirms parallel trends.",
        "We find no evidence of pre-trends.",
    ],
)
def test_the_pattern_finds_claims(sentence):
    assert CLAIM.search(sentence)


def test_no_string_in_the_package_claims_it():
    """Sentences with a condition or a denial (if ..., no test shows ...) are allowed."""
    found = []
    for path in Path(ma.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for sentence in re.split(r"(?<=[.!?])\s", node.value):
                    if CLAIM.search(sentence) and not CONDITION.search(sentence):
                        found.append((path.name, sentence))
    assert not found


def test_no_page_of_the_book_claims_it():
    found = []
    for path in [*book_dir().rglob("*.md"), *book_dir().rglob("*.ipynb")]:
        for sentence in re.split(r"(?<=[.!?])\s", path.read_text()):
            if CLAIM.search(sentence) and not CONDITION.search(sentence):
                found.append((path.name, sentence))
    assert not found


def test_a_test_that_rejects_nothing_says_so_with_its_power(event_study):
    effects = event_study([-3, -2, 0], [0.0, 0.0, 1.0], np.eye(3))
    reading = ma.pretrend_test(effects).reading
    assert "is not rejected" in reading
    assert "would be detected with probability 0.8" in reading


def test_choice_refuses_impossible_counts():
    for counts in ((10, 0), (10, 11), (1, 1)):
        with pytest.raises(DesignError, match="clusters are treated"):
            choose_by_clusters(*counts)
