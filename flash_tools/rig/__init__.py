"""The rig: boards and benches on which the scenarios run."""
