"""The objectives of distillation, one file each: losses on a teacher's logits, layers, attention or information."""
