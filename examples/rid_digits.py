"""
Distillation from a teacher that knows the wrong thing
======================================================

Three teachers look at digits over distracting backgrounds: one that was trained on the digit, one that was not trained,
and one that was trained on the *background*, which is of no use to a student of the digit. Small students learn the
digit beside each of them by

- cross-entropy alone (BAS),
- knowledge distillation (KD), also from the most salient answers only (SFKD+KD),
- VID, which follows all that the teacher's layers say, and MIMKD, which raises bounds on mutual information,
- TED and RID, whose filters look for what is about the label,
- ExactRedundancy, which raises the BROJA redundancy of teacher and student about the label itself.

The weight lambda of each method is chosen on validation images and never on the test images; each accuracy is a mean
over seeds, which differ in everything but the images. Two figures follow: accuracy against lambda, and the atoms of the
teacher's and the student's last layers while the student learns (as Fig. 4 and 5 of Dissanayake et al., "Quantifying
knowledge distillation using partial information decomposition", AISTATS 2025).

About ten minutes on two cores::

    python examples/rid_digits.py --out digits --jobs 2

With ``--few`` students learn from a quarter of their teachers' images, where a good teacher has most to give.
With ``--full``, ten weights and five seeds, some 40 minutes. A program that was stopped goes on where it was. It needs
the ``torch`` extra, and no data but scikit-learn's digits. The settings, the data, the networks, the methods and the
program itself, which ``rid_cifar.py --small`` runs too, are in ``examples/rid/``: ``program.py`` is where to begin.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from rid.digits import DigitsSettings
from rid.options import add_set_option, replaced
from rid.program import run_program

QUICK = DigitsSettings()
FEW = {"n_student": 250, "student_epochs": 60, "drops": (42, 54), "ted_from": 30}
FULL = replace(QUICK, weights=(0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0), n_seeds=5)


def main() -> None:
    parser = argparse.ArgumentParser(description="students of three teachers, of which one is of no use")
    parser.add_argument("--out", type=Path, default=Path("digits"), help="folder to write into (default: digits)")
    parser.add_argument("--full", action="store_true", help="ten weights and five seeds instead of four and three")
    parser.add_argument("--few", action="store_true", help="students learn from 250 images, a quarter of the teacher's")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    add_set_option(parser)
    options = parser.parse_args()
    settings = replace(FULL if options.full else QUICK, **(FEW if options.few else {}))
    run_program(replaced(settings, options.set), options.out, jobs=options.jobs, name="rid_digits")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("\nstopped; the same command goes on with the runs that are left") from None

# sphinx_gallery_thumbnail_path = "images/rid_digits_accuracy.png"
