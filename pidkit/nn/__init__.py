"""The torch floor that mi.neural, plane and distill share: seeding and the fit loop, and hooks into layers."""
