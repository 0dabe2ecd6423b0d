"""Teachers whose rows are the same in any batch, in batches of one size, or in none."""

import pytest

from pidkit import InputError
from pidkit.distill import TeacherCache
from tests.distill.teacher_cache.teachers import Drawing, Mixing, OfSize, X, answers, together
from tests.distill.toys import same


@pytest.mark.parametrize("kind", [Mixing, Drawing])
def test_answers_that_depend_on_the_batch_or_on_chance_are_refused(kind: type[Mixing]) -> None:
    networks = together(kind(), TeacherCache())
    with pytest.raises(InputError, match="answers for the same samples are others, so that they depend on the other"):
        networks(X)


def test_whole_batches_where_the_last_bit_depends_on_their_size() -> None:
    cache = TeacherCache()
    plain, cached = together(OfSize(), None), together(OfSize(), cache)
    for batch in (X[:32], X[16:], X[:32].flip(0), X[:24], X[8:32], X[4:28]):
        assert same(answers(cached, batch), answers(plain, batch))
    assert cache.hits > 0
