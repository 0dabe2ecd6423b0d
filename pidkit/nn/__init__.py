"""What mi.neural, plane and distill share of torch: hooks into layers, features, seeding and a fit loop."""
