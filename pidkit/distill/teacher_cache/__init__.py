"""A cache of what frozen teachers answer: `TeacherCache`, its rows, the keys they are found by, and its proofs."""

from pidkit.distill.teacher_cache.cache import TeacherCache

__all__ = ["TeacherCache"]
