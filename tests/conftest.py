"""Hypothesis profiles and one thread for each test process, shared by every test."""

import os

# Before numpy and torch are imported: test processes run side by side, and threads of small matrix products that wait
# for each other are many times slower than one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import HealthCheck, settings

settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
