"""What needs a rig: scenarios on boards that labgrid handles. `make rig` runs these, `make test` does not."""
